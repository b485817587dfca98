"""Each rule of the view switched off makes some test of it fail; docs/coalition.md holds the table."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import test_coalition_view as views
from sealed_worlds import Room

from tocsin.coalition import agreements, anchors, hearing, opening

PAGE = (Path(__file__).parents[2] / "docs" / "coalition.md").read_text("utf-8")
VIEW = importlib.import_module("tocsin.coalition.view")
Off = Callable[[pytest.MonkeyPatch], None]
TOMBSTONES = hearing.find_tombstones
COVERING = anchors.Knowledge.covering
COVERS = anchors.Saw.covers


def anyone_retracts(patch: pytest.MonkeyPatch) -> None:
    def loose(opened):  # type: ignore[no-untyped-def]
        found, authors = TOMBSTONES(opened), {one.author for one in opened}
        return replace(found, timed=frozenset((a, target) for _, target in found.timed for a in authors))

    patch.setattr(VIEW, "find_tombstones", loose)


def no_families(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hearing, "family", lambda one: (one.author, one.digest))


def one_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hearing, "_targets", lambda one: {(one.author, one.digest)})


def first_word(patch: pytest.MonkeyPatch) -> None:
    registers = hearing.find_registers
    patch.setattr(
        VIEW, "find_registers", lambda opened, kind, gone: registers([_turned(o) for o in opened], kind, gone)
    )


def _turned(one):  # type: ignore[no-untyped-def]
    return replace(one, index=-one.index)


def one_party(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agreements.Agreed, "since", property(lambda self: min(one.time for one in self.accepted)))


def no_ending(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(agreements.Agreed, "until", property(lambda self: self.terms.expiry))


def any_anchor(patch: pytest.MonkeyPatch) -> None:
    def late(self, origin, before, other, index, *, bare=False):  # type: ignore[no-untyped-def]
        return COVERING(self, origin, 10**9, other, index, bare=bare)

    patch.setattr(anchors.Knowledge, "covering", late)


def bare_anchor(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(anchors.Saw, "covers", lambda self, index, *, bare=False: COVERS(self, index, bare=True))


def no_budget(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VIEW._Budget, "__call__", lambda *_: 10**9)


def no_shadow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hearing, "SHADOW", hearing.HEARD)
    patch.setattr(VIEW, "find_fresh", lambda known, *_: {"a0", "a1", "b0", "b1"})


def always_fresh(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VIEW, "find_fresh", lambda *_: {"a0", "a1", "b0", "b1"})


def retractions_need_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VIEW, "find_tombstones", lambda opened: replace(TOMBSTONES(opened), waiting=frozenset()))


def echoes_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hearing, "_before", lambda *_: True)


def everybody_opens(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(opening.Opener, "is_mine", lambda *_: True)
    hear = opening.hear_said
    patch.setattr(opening, "hear_said", lambda body: replace(hear(body), audience=("a0", "a1", "b0", "b1")))


RULES: dict[str, tuple[Off, Callable[..., None]]] = {
    "only its author takes a thing back (15)": (anyone_retracts, views.test_only_its_author_takes_back_an_alarm),
    "of all versions the last counts (15)": (no_families, views.test_a_later_version_replaces_and_a_tombstone_beats_it),
    "a tombstone beats every version (15)": (
        one_version,
        views.test_a_tombstone_beats_later_versions_of_what_is_no_longer_held,
    ),
    "of opinions and sightings the later index wins (16)": (
        first_word,
        views.test_opinions_and_sightings_are_registers_and_a_tombstone_empties_them,
    ),
    "every party accepts (17)": (
        one_party,
        views.test_an_agreement_holds_once_every_party_has_accepted_the_same_terms,
    ),
    "an ending ends for all (17)": (no_ending, views.test_an_ending_ends_for_all_and_what_was_sent_before_stays),
    "at fault only by what stood before the alarm (17)": (
        any_anchor,
        views.test_an_anchor_after_the_alarm_shows_no_fault_and_one_of_another_tree_neither,
    ),
    "what an anchor misses is not known (20)": (
        bare_anchor,
        partial(views.test_a_sender_is_at_fault_only_where_its_own_log_shows_that_it_knew, missing=True),
    ),
    "the budget of a day (18)": (no_budget, views.test_alarms_beyond_the_days_budget_are_not_heard),
    "only author and audience open (19)": (
        everybody_opens,
        views.test_a_body_shown_to_somebody_else_opens_nothing,
    ),
    "no effect before the full quorum (22)": (
        no_shadow,
        partial(views.test_under_the_parties_mirrors_alone_an_alarm_stays_in_shadow, quorum="parties"),
    ),
    "no effect by a log that is not fresh (23)": (
        always_fresh,
        views.test_a_log_that_is_not_fresh_has_no_effect_until_it_is_cosigned_again,
    ),
    "no effect while a retraction waits (23)": (
        retractions_need_time,
        views.test_a_retraction_that_waits_for_its_time_stops_the_alarm,
    ),
    "an echo counts for nothing (24)": (
        echoes_count,
        partial(views.test_an_echo_counts_for_nothing_whether_it_says_so_or_not, derived=False),
    ),
}


def name_of(scenario: Callable[..., None]) -> str:
    return str(getattr(scenario, "func", scenario).__name__)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_switched_off_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    off, scenario = RULES[rule]
    given = (lambda: ()) if name_of(scenario).startswith("test_alarms_beyond") else (lambda: (Room(),))
    scenario(*given())
    off(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        scenario(*given())


@pytest.mark.parametrize("rule", RULES)
def test_the_page_holds_the_rule(rule: str) -> None:
    assert f"| {rule} | `{name_of(RULES[rule][1])}` |" in PAGE
