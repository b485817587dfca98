"""Figures: against slow references and hand-worked examples."""

import math

import numpy as np
import pyarrow as pa
import pytest
from exercise_scenes import lively, scenario
from hypothesis import given
from hypothesis import strategies as st

from tocsin.exercise import SENSITIVE, results_table, run_exercise, sensitivity, summarise
from tocsin.exercise.outcomes import share_known
from tocsin.exercise.summary import rank_correlation


def slow_share_known(events: list[tuple[int, bool]], ages: int) -> list[float]:
    """Kaplan and Meier, one campaign after another."""
    left, out = 1.0, []
    for age in range(ages):
        watched = sum(at >= age for at, _ in events)
        known = sum(at == age and is_known for at, is_known in events)
        left *= 1 - known / watched if watched else 1
        out.append(1 - left)
    return out


@given(st.lists(st.tuples(st.integers(0, 11), st.booleans()), min_size=1, max_size=40))
def test_the_share_known_is_that_of_the_slow_reference(events: list[tuple[int, bool]]) -> None:
    known, unknown = (np.bincount([a for a, k in events if k is which], minlength=12) for which in (True, False))
    assert share_known(known, unknown) == pytest.approx(slow_share_known(events, 12))


def test_what_is_cut_off_by_the_end_counts_only_as_long_as_it_was_watched() -> None:
    """Ten campaigns, five known on day 1, five that were watched for a day only: nobody says that half stay unknown."""
    assert share_known(np.array([0, 5, 0]), np.array([5, 0, 0]))[-1] == 1.0
    assert share_known(np.array([0, 5, 0]), np.array([0, 0, 5]))[-1] == 0.5


def test_rank_correlation_of_hand_worked_examples() -> None:
    a = np.array([1.0, 2, 3, 4, 5])
    assert rank_correlation(a, a**3) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)
    assert rank_correlation(a, np.array([2.0, 1, 4, 3, 5])) == pytest.approx(0.8)  # 1 − 6·4 / (5·24)
    assert rank_correlation(a, np.array([1.0, 1, 2, 2, 3])) == pytest.approx(0.9486832980505138)  # ties share ranks
    assert rank_correlation(a, np.ones(5)) == 0.0


def test_the_summary_is_made_of_the_runs() -> None:
    result = run_exercise(lively(), 3, 40)
    told = summarise(result, "d", "v")
    averted = np.sort(result.measures["harm_averted"][4])
    name = result.policies[4]
    assert told["policies"][name]["harm_averted"] == pytest.approx(
        {"p5": averted[2], "p50": averted[20], "p95": averted[38]}, rel=1e-5
    )
    row = next(
        r for r in told["differences"] if (r["policy"], r["against"], r["measure"]) == (name, "none", "accounts")
    )
    gap = result.measures["accounts"][4] - result.measures["accounts"][0]
    error = 1.959964 * gap.std(ddof=1) / math.sqrt(40)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(
        (gap.mean(), gap.mean() - error, gap.mean() + error), rel=1e-4
    )
    assert len(told["differences"]) == 5 * 7 * 6 / 2
    for policy in told["policies"].values():
        assert sum(policy["ends"].values()) == pytest.approx(1, abs=1e-5)


def test_an_honest_none_averts_nothing_and_is_always_there() -> None:
    result = run_exercise(lively(policies=[{"share": "all"}]), 3, 10)
    assert result.policies == ("none", "all-automatic")
    assert (result.measures["harm_averted"][0] == 0).all()


def test_what_was_not_reached_is_null() -> None:
    told = summarise(run_exercise(scenario(days=30), 1, 3), "", "")
    assert told["policies"]["none"]["known_days"] == {"p5": None, "p50": None, "p95": None}


def test_the_table_has_a_row_a_run_and_policy_and_what_was_drawn() -> None:
    result = run_exercise(lively(), 3, 10)
    table = results_table(result)
    assert table.num_rows == 10 * 7 and table["run"].type == pa.int32()
    assert {*SENSITIVE, "gave_up", "outside", "inside", "drawn.outside.harm"} <= set(table.column_names)
    assert table["drawn.outside.harm"][:10] == table["drawn.outside.harm"][60:]


def test_sensitivity_finds_what_decides() -> None:
    """Where only recall and a harmless number are open, recall comes first, with its sign."""
    providers = [{"side": "a", "count": 4, "heed": {"a": 1}, "recall": {"M01": [0.01, 0.3]}, "size": [1, 2]}]
    result = run_exercise(scenario(providers=providers, begin="together"), 1, 60)
    (first, strength), (second, weak) = sensitivity(result, "all-automatic", "life")
    assert first == "providers[0].recall.M01" and strength < -0.95
    assert second == "providers[0].size" and abs(weak) < 0.35
