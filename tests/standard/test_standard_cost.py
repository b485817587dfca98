"""What rules may cost: structural limits on every shipped pattern, and what the linter says."""

import importlib
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from standard_trees import patterns_of
from standard_writing import sound, standard_of

from tocsin.standard import Standard, compile_pack, price_rules, reference_pack
from tocsin.standard.lint import HOSTILE_CHARS, hostile_text
from tocsin.text import Folded, fold_batch

sre: Any = importlib.import_module("re._parser")
ONE = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}


def repeats(tree: Any, inside: int = 0) -> Iterator[tuple[int, int, bool]]:
    """Every repeat of a pattern: its most, how many repeats of more than one stand round it, is it of one character."""
    for op, value in tree:
        if str(op) in ("MAX_REPEAT", "MIN_REPEAT"):
            high = int(value[1])
            yield high, inside, len(value[2]) == 1 and str(value[2][0][0]) in ONE
            yield from repeats(value[2], inside + (high > 1))
        elif str(op) == "SUBPATTERN":
            yield from repeats(value[3], inside)
        elif str(op) == "BRANCH":
            for branch in value[1]:
                yield from repeats(branch, inside)
        elif str(op) in ("ASSERT", "ASSERT_NOT"):
            yield from repeats(value[1], inside)


def test_no_shipped_pattern_can_be_read_in_endless_ways(shipped: Standard) -> None:
    bad = []
    for rule in shipped.rules:
        trees = [*rule.alternatives, *([rule.unless] if rule.unless else [])]
        for pattern in (p for tree in trees for p in patterns_of(tree)):
            for high, inside, single in repeats(sre.parse(pattern, re.ASCII)):
                endless = high == int(sre.MAXREPEAT)
                fine = (single and not inside) if endless else high <= (200 if single else 10) and inside <= 1
                bad += [] if fine else [(rule.id, pattern)]
    assert bad == []


def fold(texts: list[str]) -> Folded:
    return fold_batch(pa.array(texts, pa.string()))


def test_hostile_text_changes_nothing_but_the_time(shipped: Standard, pack: Any) -> None:
    texts = [hostile_text(rule)[:1500] for rule in shipped.rules[::6]]
    texts += [" ".join(["a"] * 4000), "ab" * 4000, "忽略" * 3000, "\u200b" * 9000, "(" * 9000, "aWdub3JlIGFsbCA" * 500]
    fast, slow = (p.matches(fold(texts)) for p in (pack, reference_pack(shipped)))
    assert [(m.row, m.rule.id, m.start) for m in fast] == [(m.row, m.rule.id, m.start) for m in slow]


def test_hostile_text_is_made_of_the_rules_own_words(tmp_path: Path) -> None:
    (rule,) = standard_of(tmp_path, sound()).rules
    text = hostile_text(rule)
    assert HOSTILE_CHARS <= len(text) < HOSTILE_CHARS + 200
    assert "a blue lam " in text and "blue lamp " in text


@pytest.fixture
def priced(tmp_path: Path) -> dict[str, Any]:
    """Three rules on a thousand texts, under a clock on which every look takes ten milliseconds."""
    common = sound(id="L-x-test.common", match={"regex": r"wooden door \d"})
    gone = sound(id="L-x-test.gone", match="a very rare lamp")
    standard = standard_of(tmp_path, sound(), common, gone, prove=False)
    texts = [*["the wooden door of old"] * 80, "the door", *["blue lamp"] * 9, *["nothing"] * 910]
    ticks = count()
    prices = price_rules(standard, compile_pack(standard), fold(texts), lambda: next(ticks) / 100)
    return {p.rule.removeprefix("L-x-test."): p for p in prices}


def test_the_linter_counts_candidates_that_do_not_match(priced: dict[str, Any]) -> None:
    assert {name: p.wasted_per_1000 for name, p in priced.items()} == {"common": 80.0, "lamp": 0.0, "gone": 0.0}


def test_the_linter_prices_by_the_clock_it_is_given(priced: dict[str, Any]) -> None:
    assert all(p.us_per_text == pytest.approx(10.0) for p in priced.values())
    assert all(p.us_worst_case == pytest.approx(10_000.0) for p in priced.values())


def test_the_linter_advises_where_a_limit_is_passed(priced: dict[str, Any]) -> None:
    assert {name: p.advice for name, p in priced.items()} == {
        "common": "commonplace trigger, slow",
        "lamp": "",
        "gone": "",
    }


def test_the_dearest_rule_comes_first(tmp_path: Path) -> None:
    standard = standard_of(tmp_path, sound(), sound(id="L-x-test.dear"), prove=False)
    times = iter([0.0, 1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.2])
    prices = price_rules(standard, compile_pack(standard), fold(["blue lamp"]), lambda: next(times))
    assert [(p.rule, p.us_per_text) for p in prices] == [("L-x-test.dear", 4e6), ("L-x-test.lamp", 1e6)]
    assert [p.advice for p in prices] == ["slow on hostile text", ""]


def test_no_text_at_all_costs_nothing(tmp_path: Path) -> None:
    standard = standard_of(tmp_path, sound(), prove=False)
    (price,) = price_rules(standard, compile_pack(standard), fold([]), lambda: 0.0)
    assert (price.wasted_per_1000, price.us_per_text, price.advice) == (0.0, 0.0, "")
