"""The scanner's literals are sound: whatever a pattern matches holds all the sets of one branch."""

import re
from itertools import pairwise
from math import inf
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_trees import patterns_of

from tocsin.forms import ConfigError
from tocsin.standard import Standard
from tocsin.standard.factors import BOUNDARY, factors, scan_expression
from tocsin.standard.match import Leaf, Line
from tocsin.standard.patterns import check_pattern, loosen, parse_pattern, widened

ALPHABET = "abcd 019指令-"

chars = st.sampled_from(["a", "b", "c", "d", " ", "0", "指", "令", "-", r"\.", "。"])
classes = st.sampled_from(["[ab]", "[a-d]", "[^a]", "[指令]", "[ -]", r"\d", r"\w", r"\s", "."])
singles = st.one_of(chars, classes)
counts = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{0,3}", "{1,2}", "{2,40}", "??", "+?"])
edges = st.sampled_from(["", "", "", r"\b", "^", "$", r"\B", "(?=a)", "(?!b)", "(?<!a)", "(?<=指)"])
pieces = st.builds(lambda edge, single, count: edge + single + count, edges, singles, counts)


def grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(inner, min_size=1, max_size=4).map("|".join)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.builds(lambda body, count: f"(?:{body}){count}", branches, st.sampled_from(["", "", "?", "{1,3}", "{0,2}"])),
    )


def in_form(pattern: str) -> bool:
    try:
        check_pattern(pattern)
    except ConfigError:
        return False
    return True


patterns = st.recursive(pieces, grouped, max_leaves=8).filter(in_form)
bare_pieces = st.builds(
    lambda single, count: single + count, singles.filter(lambda single: single not in ("[^a]", ".")), counts
)


def stands_in(factor: str, line: str) -> bool:
    return re.search(scan_expression(factor), line.encode()) is not None


def may_match(pattern: str, line: str) -> bool:
    return any(all(any(stands_in(f, line) for f in group) for group in branch) for branch in factors(pattern))


def told_by(pattern: str, random: Random) -> list[str]:
    """Lines that the pattern mostly matches, between others that it mostly does not."""
    said = [written(parse_pattern(pattern), random) for _ in range(4)]
    noise = "".join(random.choices(ALPHABET, k=6))
    return [re.sub(r"\s+", " ", line) for text in said for line in (text, noise + text, f"{text} {noise}", noise)]


def written(tree: Any, random: Random) -> str:
    return "".join(_written(str(op), value, random) for op, value in tree)


def _written(op: str, value: Any, random: Random) -> str:
    if op == "LITERAL":
        return chr(value)
    if op == "BRANCH":
        return written(random.choice(value[1]), random)
    if op == "SUBPATTERN":
        return written(value[3], random)
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        return "".join(
            written(value[2], random) for _ in range(random.randint(value[0], min(int(value[1]), value[0] + 2)))
        )
    fitting = [c for c in ALPHABET if op in ("IN", "ANY", "NOT_LITERAL") and _fits(op, value, c)]
    return random.choice(fitting) if fitting else ""


def _fits(op: str, value: Any, char: str) -> bool:
    if op == "IN":
        classes = {"CATEGORY_DIGIT": char.isdigit(), "CATEGORY_SPACE": char == " ", "CATEGORY_WORD": char in "abcd019"}
        listed = {
            "LITERAL": lambda v: v == ord(char),
            "RANGE": lambda v: v[0] <= ord(char) <= v[1],
            "CATEGORY": lambda v: classes[str(v)],
        }
        members = [(str(name), inner) for name, inner in value if str(name) != "NEGATE"]
        return any(listed[name](inner) for name, inner in members) != (str(value[0][0]) == "NEGATE")
    return op == "ANY" or ord(char) != value


@settings(max_examples=250)
@given(patterns, st.randoms(use_true_random=False))
def test_what_matches_holds_the_literals_of_a_branch(pattern: str, random: Random) -> None:
    lines = [line for line in told_by(pattern, random) if re.search(pattern, line, re.ASCII)]
    assert [line for line in lines if not may_match(pattern, line)] == []


@settings(max_examples=120)
@given(st.lists(patterns, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_what_quickly_matches_begins_no_later_than_what_matches(some: list[str], random: Random) -> None:
    quick = widened(some)
    for line in [line for pattern in some for line in told_by(pattern, random)]:
        begins = [m.start() for pattern in some for m in re.finditer(pattern, line, re.ASCII)]
        assert quick is None or begins == [] or (Line(line).soonest(quick, 0) or 0) <= min(begins)
        assert quick is None or not [at for at in begins if Line(line).soonest(quick, at) is None]


@settings(max_examples=200)
@given(
    st.lists(patterns, min_size=1, max_size=3),
    st.randoms(use_true_random=False),
    st.integers(0, 12),
    st.one_of(st.just(inf), st.integers(0, 30)),
)
def test_spans_are_those_that_re_finds_one_behind_another(
    some: list[str], random: Random, low: int, high: float
) -> None:
    leaf = Leaf(tuple(some))
    told = [line for pattern in some for line in told_by(pattern, random)]
    for line in [a + gap + b for a, b in pairwise(told) for gap in ("", "~" * 200)]:
        every = [m.span() for m in re.finditer("|".join(some), line, re.ASCII)]
        assert leaf.spans(Line(line)) == every
        assert leaf.first(Line(line)) == next(iter(every), None)
        assert leaf.spans(Line(line), low, high) == [s for s in every if low <= s[0] and s[1] <= high]
        assert every == [] or leaf.soonest(Line(line)) in range(every[0][0] + 1)


def test_the_quick_pattern_is_there_and_refuses_what_does_not_match() -> None:
    quick = widened(["blue lamp", "蓝色.{0,3}台灯(?! 坏了)"])
    assert quick is not None
    lines = ("a blue lamp", "看蓝色的台灯", "a red lamp", "红色的台灯", "", "é blue lamp")
    assert [Line(line).soonest(quick, 0) for line in lines] == [2, 1, None, None, None, 2]
    assert [Line("蓝色台灯, blue lamp").soonest(quick, at) for at in (0, 1, 7)] == [0, 6, None]


@settings(max_examples=120)
@given(patterns, st.randoms(use_true_random=False))
def test_the_same_holds_for_closed_up_lines(pattern: str, random: Random) -> None:
    loose = loosen(pattern)
    closed = [line.replace(" ", "") for line in told_by(pattern, random)]
    assert [line for line in closed if re.search(loose, line, re.ASCII) and not may_match(loose, line)] == []


@settings(max_examples=120)
@given(st.recursive(bare_pieces, grouped, max_leaves=8).filter(in_form), st.randoms(use_true_random=False))
def test_what_matches_still_matches_where_blanks_were_lost(pattern: str, random: Random) -> None:
    lines = [line for line in told_by(pattern, random) if re.fullmatch(pattern, line, re.ASCII)]
    assert [line for line in lines if not re.search(loosen(pattern), line.replace(" ", ""), re.ASCII)] == []


def test_the_lines_that_patterns_are_tried_on_mostly_match() -> None:
    random, forms = Random(7), (r"\bab?c\b", "(?:a|b指){1,3} d", "[a-d]+ 0{2}", "a.{0,3}令", "[^a]b")
    matched = [bool(re.search(form, line, re.ASCII)) for form in forms for line in told_by(form, random)]
    assert sum(matched) > 0.5 * len(matched)


def test_every_positive_example_holds_the_literals_of_its_pattern(shipped: Standard) -> None:
    checked = 0
    for rule in shipped.rules:
        said = [t.lower() for group in rule.form.examples.positive.values() for t in group]
        for pattern in (p for tree in rule.alternatives for p in patterns_of(tree)):
            for line in said:
                if re.search(pattern, line, re.ASCII):
                    checked += 1
                    assert may_match(pattern, line), (rule.id, pattern)
    assert checked > 500


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("blue lamp", {frozenset({"blue lamp"})}),
        (r"\bblue\b", {frozenset({f"{BOUNDARY}blue{BOUNDARY}"})}),
        ("blue (?:lamp|door)s?", {frozenset({"blue lamp", "blue door"})}),
        ("blue.{0,9}lamp", {frozenset({"blue"}), frozenset({"lamp"})}),
        (r"\d{3} lamps", {frozenset({" lamps"})}),
        ("(?:red|blue)+", {frozenset({"red", "blue"})}),
        ("colou?r", {frozenset({"color", "colour"})}),
        ("[ab]cd", {frozenset({"acd", "bcd"})}),
    ],
)
def test_the_literals_of_plain_patterns(pattern: str, wanted: set[frozenset[str]]) -> None:
    ((*sets,),) = factors(pattern)
    assert set(sets) == wanted


@pytest.mark.parametrize("pattern", [r"\d{4}", ".{3}", "[a-z]{5}", " ", "(?:a|\\d)"])
def test_a_pattern_without_literals_says_so(pattern: str) -> None:
    assert () in factors(pattern)


def test_alternatives_that_are_no_plain_words_are_branches_of_their_own() -> None:
    assert factors("(?:blue|red lamp)") == factors("blue|red lamp") == ((frozenset({"blue", "red lamp"}),),)
    assert factors(r"old (?:blue \d|red lamp) here") == (
        (frozenset({"old blue "}), frozenset({" here"})),
        (frozenset({"old red lamp here"}),),
    )
    assert factors(r"(?:a|b)lue(?:\d|\w) (?:lamp|light)") == (
        (frozenset({" lamp", " light"}), frozenset({"alue", "blue"})),
    )
    assert len(factors("|".join(f"{word}a\\d" for word in "abcdefghijklmnopqrstuvwxyz" * 2))) == 1
