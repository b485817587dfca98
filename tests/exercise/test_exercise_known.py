"""Exact cases and published results, to the stated digits; and a check that notices a wrong engine."""

import math
from dataclasses import replace
from itertools import islice

import pytest

from tocsin.exercise import check as checking
from tocsin.exercise import check_cases, known
from tocsin.exercise.published import (
    best_spending,
    erlang_b,
    erlang_c,
    final_size,
    race_danger,
    safe_is_better,
    safe_is_dominant,
    true_alarm_share,
)

STATED = (
    ("nobody", known.life_unshared(12, 0.05), 240, 6),
    ("sides", known.life_unshared(2, 0.05), 40, 6),
    ("all", known.life_heeded(12, 0.05, 1), 20, 6),
    ("a quarter", known.life_heeded(12, 0.05, 0.25), 108.74, 2),
    ("half", known.life_heeded(12, 0.05, 0.5), 69.57, 2),
    ("three quarters", known.life_heeded(12, 0.05, 0.75), 46.76, 2),
    ("nine tenths", known.life_heeded(12, 0.05, 0.9), 34.53, 2),
    ("heeded by nobody", known.life_heeded(12, 0.05, 0), 240, 6),
    ("late", known.life_delayed(0.05, 10), 30, 6),
    ("innocents alone", known.accounts_unshared(3, 0.001), 0.0030, 4),
    ("innocents shared", known.accounts_automatic(3, 0.001), 0.0090, 4),
    ("times as many", known.accounts_automatic(3, 0.001) / known.accounts_unshared(3, 0.001), 2.997, 3),
    ("two agree", known.accounts_corroborated(3, 0.001), 9.0e-6, 7),
    ("Axelsson", true_alarm_share(2e-5, 1, 1e-5), 0.6667, 4),
    ("Axelsson 0.7", true_alarm_share(2e-5, 0.7, 1e-5), 0.5833, 4),
    ("Armstrong 2 nothing", race_danger(2, 1, 1, "nothing"), 0.5, 4),
    ("Armstrong 2 own", race_danger(2, 1, 1, "own"), 0.6667, 4),
    ("Armstrong 2 all", race_danger(2, 1, 1, "all"), 0.6667, 4),
    ("Armstrong 5 nothing", race_danger(5, 2, 1, "nothing"), 0.6, 4),
    ("Armstrong 5 own", race_danger(5, 2, 1, "own"), 0.6667, 4),
    ("Armstrong 5 all", race_danger(5, 2, 1, "all"), 0.6719, 4),
    ("Han better", safe_is_better(1.5), 1 / 3, 9),
    ("Han dominant", safe_is_dominant(1.5), 7 / 9, 9),
    ("Gordon-Loeb", best_spending(0.5, 400_000, 1e-5, 1), 41_421.4, 1),
    ("Gordon-Loeb share", best_spending(0.5, 400_000, 1e-5, 1) / (0.5 * 400_000), 0.207, 3),
    ("Erlang B", erlang_b(10, 4.461), 0.01, 5),
    ("Erlang C", erlang_c(2, 1), 1 / 3, 9),
    ("epidemic 1.5", final_size(1.5), 0.5828, 4),
    ("epidemic 2", final_size(2), 0.7968, 4),
    ("epidemic 3", final_size(3), 0.9405, 4),
)  # fmt: skip


@pytest.mark.parametrize(("found", "stated", "digits"), [row[1:] for row in STATED], ids=[row[0] for row in STATED])
def test_a_stated_figure_is_met_to_its_digits(found: float, stated: float, digits: int) -> None:
    assert abs(found - stated) <= 0.5 * 10**-digits * 1.0001


def test_spending_never_exceeds_the_bound_of_gordon_and_loeb() -> None:
    assert best_spending(0.5, 400_000, 1e-5, 1) <= 0.5 * 400_000 / math.e


def test_deep_distrust_still_more_than_halves_a_campaigns_life() -> None:
    assert known.life_heeded(12, 0.05, 0.25) < known.life_unshared(12, 0.05) / 2


def test_alike_errors_undo_most_of_what_two_sightings_protect() -> None:
    alone, alike = known.accounts_corroborated(3, 0.001), known.accounts_corroborated(3, 0.001, 29)
    assert alike / alone > 25 and known.accounts_automatic(3, 0.001, 29) < known.accounts_automatic(3, 0.001)


def test_every_case_holds_with_small_samples() -> None:
    cases = list(check_cases(seed=1, scale=0.01))
    assert len(cases) == 19 + 2 * 16 and len({c.case for c in cases}) == len(cases)
    assert [c for c in cases if not c.ok] == []
    assert all(c.low < c.simulated < c.high for c in cases)


@pytest.mark.soak
def test_every_case_holds_at_a_million_campaigns() -> None:
    cases = list(check_cases(seed=1))
    assert [c for c in cases if not c.ok] == []
    nobody = cases[0]
    assert nobody.simulated == pytest.approx(240, abs=0.3) and nobody.high - nobody.low < 0.5


def test_a_wrong_engine_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers that find a tenth more than they say are noticed in every case of a campaign's life."""
    honest = checking.build_world

    def flattering(*given: object) -> object:
        world = honest(*given)  # type: ignore[arg-type]
        return replace(world, hazard=world.hazard * 1.1)

    monkeypatch.setattr(checking, "build_world", flattering)
    cases = list(islice(check_cases(seed=1, scale=0.05), 3))
    assert [c.case[:3] for c in cases if not c.ok] == ["nob", "sid", "all"]
