"""What makes a case, what is inside it, and its id."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from cases_plain import plain_cases
from cases_tables import DAY, GRAVE, HINT, TODAY, Row, behaviour, cases, finding, findings, hint, uses
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cases import build_cases
from tocsin.forms import ACTIVITY, CASES
from tocsin.standard import Standard


def test_a_case_is_one_account_with_its_sessions(bells: Standard) -> None:
    said = [finding("ann"), finding("ann", 2, session="s2"), behaviour("ann", severity=3), finding("bob")]
    first, second = cases(bells, said)
    assert (first["accounts"], first["sessions"], first["findings"]) == (["ann"], ["ann-talk", "s2"], 3)
    assert (second["accounts"], second["sessions"], second["findings"]) == (["bob"], ["bob-talk"], 1)


def test_without_an_account_it_is_a_session_and_without_one_an_event(bells: Standard) -> None:
    said = [
        finding(None, 1, session="x"),
        finding(None, 2, session="x"),
        finding(None, 3, session=None, event_id="x"),
        finding("x", 4),
    ]
    made = cases(bells, said)
    assert sorted((c["findings"], c["accounts"], c["sessions"]) for c in made) == [
        (1, [], []),
        (1, ["x"], ["x-talk"]),
        (2, [], ["x"]),
    ]
    assert len({c["case_id"] for c in made}) == 3


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ([finding("a")], True),
        ([behaviour("a", severity=3)], True),
        ([hint("a")], False),
        ([hint("a", n) for n in range(9)], False),
        ([hint("a"), hint("a", 2, rule=GRAVE)], True),
        ([hint("a"), behaviour("a")], True),
        ([behaviour("a"), behaviour("a", "template"), behaviour("a", "burst")], False),
        ([hint("a"), behaviour("a", severity=1)], False),
        ([hint("a"), hint("a", rule=GRAVE, severity=1)], False),
        ([], False),
    ],
)
def test_one_grave_finding_or_two_weak_voices_make_a_case(said: list[Row], made: bool, bells: Standard) -> None:
    assert bool(cases(bells, said)) is made


@pytest.mark.parametrize(("asked", "made"), [(0, 1), (19, 1), (20, 1), (21, 0), (500, 0)])
def test_hints_of_a_busy_account_are_chance(asked: int, made: int, bells: Standard) -> None:
    said = [hint("a"), hint("a", 2, rule=GRAVE), hint("a", 2), behaviour("a")]
    assert len(cases(bells, said, uses("account", "", ["a"], asked))) == made
    assert len(cases(bells, [*said, finding("a", 3)], uses("account", "", ["a"], asked))) == 1


def test_a_case_keeps_its_id_whatever_is_found_of_it(bells: Standard) -> None:
    (once,) = cases(bells, [finding("ann")])
    again = cases(bells, [finding("bob"), finding("ann", 7, severity=5, kind="M01"), behaviour("ann", severity=4)])
    assert [c["case_id"] for c in again if c["accounts"] == ["ann"]] == [once["case_id"]]
    assert once["case_id"].startswith("C-") and len(once["case_id"]) == 17
    assert "ann" not in once["case_id"]


def test_a_case_tells_its_kinds_rules_times_and_excerpt(bells: Standard) -> None:
    said = [
        behaviour("a", severity=4, evidence="device: accounts=6 signs=misuse"),
        hint("a", 5, evidence="weak"),
        finding("a", 3, score=0.6, evidence="weaker"),
        finding("a", 9, evidence="clear"),
    ]
    (case,) = cases(bells, said)
    assert case["kinds"] == ["M13", "M12", "M03"]
    assert case["rules"] == [HINT, GRAVE]
    assert (case["severity"], case["findings"], case["excerpt"]) == (4, 4, "clear")
    assert case["strength"] == pytest.approx(1 - (1 - 0.8) * (1 - 0.4) * (1 - 0.5))
    assert (case["first"], case["last"]) == (said[0]["time"], said[3]["time"])


def test_behaviour_alone_shows_no_excerpt(bells: Standard) -> None:
    (case,) = cases(bells, [behaviour("a", severity=3)])
    assert case["excerpt"] is None


@pytest.mark.parametrize("later", [{"number": 2}, {"event_id": "a-2"}, {"rule": "M12.other"}])
def test_of_findings_as_clear_the_first_in_time_by_event_and_by_voice_is_shown(later: Row, bells: Standard) -> None:
    first = finding("a", rule="M12.one", evidence="⟦first⟧")
    said = [finding("a", **{"rule": "M12.one", "evidence": "⟦later⟧", **later}), first]
    for order in (said, said[::-1]):
        assert cases(bells, order)[0]["excerpt"] == "⟦first⟧"


def said_of(make: Callable[..., Row], account: str | None, number: int, minute: int, **fields: Any) -> Row:
    return make(account, number, **{"time": DAY + timedelta(minutes=minute), **fields})


rows = st.builds(
    said_of,
    st.sampled_from([finding, hint]),
    st.sampled_from(["a", "b", "c", None]),
    st.integers(0, 4),
    st.integers(0, 1),
    rule=st.sampled_from([GRAVE, HINT, "M03.other"]),
    session=st.sampled_from(["s", "t", "", None]),
    score=st.sampled_from([0.2, 0.4, 0.6, 0.95]),
    evidence=st.sampled_from(["⟦a⟧", "⟦b⟧", "none marked"]),
)
about_accounts = st.builds(
    behaviour,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["shared", "template", "burst", "coverage"]),
    st.integers(1, 4),
    evidence=st.sampled_from(["T-1: accounts=6", "device: accounts=7", "x=1"]),
)
shared = uses("device", "d", "abc") + uses("account", "", "abc", 12)


@given(st.lists(rows | about_accounts, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(bells: Standard, said: list[Row], chance: random.Random) -> None:
    made = cases(bells, said, shared)
    shuffled = cases(bells, chance.sample(said, len(said)), chance.sample(shared, len(shared)))
    assert shuffled == made
    assert [c["rank"] for c in made] == list(range(1, len(made) + 1))


many = st.builds(
    uses,
    st.sampled_from(["template", "device", "client", "network", "account", "hour"]),
    st.sampled_from(["d", "e", ""]),
    st.sets(st.sampled_from("abcdef"), min_size=1).map(sorted),
    st.integers(0, 40),
)


@given(st.lists(rows | about_accounts, max_size=30), st.lists(many, max_size=6))
def test_columns_say_what_a_case_at_a_time_says(bells: Standard, said: list[Row], shared: list[list[Row]]) -> None:
    once = {(row["measure"], row["value"], row["account"]): row for some in shared for row in some}
    behind = {row["account"]: row for row in once.values() if row["measure"] == "account"}
    activity = [row for row in once.values() if row["measure"] != "account"] + list(behind.values())
    told = findings(said).to_pylist()
    plain = pa.Table.from_pylist(plain_cases(told, activity, bells), schema=CASES).to_pylist()
    assert cases(bells, said, activity) == plain


def test_cases_are_in_their_schema(bells: Standard) -> None:
    for said in ([], [finding("a"), finding(None, session=None)]):
        made = build_cases(findings(said), ACTIVITY.empty_table(), bells, today=TODAY)
        assert made.schema == CASES
        made.validate(full=True)
