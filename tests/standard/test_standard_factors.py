"""The scanner's literals are sound: whatever a pattern matches holds all the sets of one branch."""

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_patterns import counts, grouped, in_form, patterns, singles, told_by
from standard_trees import patterns_of

from tocsin.standard import Standard
from tocsin.standard.factors import BOUNDARY, factors, scan_expression
from tocsin.standard.patterns import loosen

bare_pieces = st.builds(
    lambda single, count: single + count, singles.filter(lambda single: single not in ("[^a]", ".")), counts
)


def stands_in(factor: str, line: str) -> bool:
    return re.search(scan_expression(factor), line.encode()) is not None


def may_match(pattern: str, line: str) -> bool:
    return any(all(any(stands_in(f, line) for f in group) for group in branch) for branch in factors(pattern))


@settings(max_examples=250)
@given(patterns, st.randoms(use_true_random=False))
def test_what_matches_holds_the_literals_of_a_branch(pattern: str, random: Random) -> None:
    lines = [line for line in told_by(pattern, random) if re.search(pattern, line, re.ASCII)]
    assert [line for line in lines if not may_match(pattern, line)] == []


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
