"""What RE2 finds in a pattern's place is what `re` finds there, whatever the pattern and the line."""

import re
import warnings
from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_patterns import counts, patterns, patterns_of, singles, told_by
from standard_trees import patterns_of as patterns_in

from tocsin.standard import Standard
from tocsin.standard.match import Leaf
from tocsin.standard.patterns import loosen
from tocsin.standard.reading import Line, Reading, Span, reads_alike, widened

# What the two write, or read, in ways of their own.
ODD = (
    *("_", "/", "😀", "]", "}", "{", "{a", "{,", r"\ ", r"\-", r"\_", r"\]", r"\S", r"\W", r"\D"),
    *("[]a]", "[^]a]", r"[\w-]", r"[\]a]", "[[:]", "[[:alpha:]]", "[[:^a:]]", r"[\d ]", "[_~-]"),
    *("[指-令]", "[^ 指]", "[😀-😂]", "[&&a]", "[a||b]"),
)
odd_counts = st.one_of(counts, st.sampled_from(["{,2}", "{0}", "{0,2}?", "{2}?", "{2,}", "*?"]))
wide = patterns_of(st.one_of(singles, st.sampled_from(ODD)), odd_counts)
noise = st.text("abc 0_指令😀-.{}],/~:lph", max_size=24)


def spans_by_re(pattern: str, line: str) -> list[Span]:
    return [m.span() for m in re.finditer(pattern, line, re.ASCII)]


@pytest.fixture(autouse=True)
def quiet() -> None:
    warnings.simplefilter("ignore", FutureWarning)  # of signs that `re` may one day read otherwise


@settings(max_examples=400)
@given(st.lists(wide, min_size=1, max_size=3), st.lists(noise, min_size=1, max_size=4), st.booleans(), st.data())
def test_a_pattern_is_read_as_re_reads_it(some: list[str], texts: list[str], loose: bool, data: st.DataObject) -> None:
    pattern = "|".join(map(loosen, some) if loose else some)
    reading, meaning = Reading(pattern), re.compile(pattern, re.ASCII)
    random = Random(data.draw(st.integers(0, 99)))
    told = [] if loose else [line for p in some for line in told_by(p, random)]
    for text in [*texts, *told, texts[0] + "~" * 200 + texts[-1]]:
        line, start = Line(text.encode(), loose), data.draw(st.integers(0, len(text)))
        every = spans_by_re(pattern, text)
        assert list(reading.spans(line)) == every
        assert reading.first(line) == next(iter(every), None)
        found = meaning.search(text, start)
        assert reading.first(line, start) == (found and found.span())
        assert not every or reading.soonest(line) in range(every[0][0] + 1)


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
    for text in [a + gap + b for a, b in pairwise(told) for gap in ("", "~" * 200)]:
        line, every = Line(text.encode()), spans_by_re("|".join(some), text)
        assert leaf.spans(line) == every
        assert leaf.first(line) == next(iter(every), None)
        assert leaf.spans(line, low, high) == [s for s in every if low <= s[0] and s[1] <= high]
        assert every == [] or leaf.soonest(line) in range(every[0][0] + 1)


@pytest.mark.parametrize(
    ("pattern", "alike"),
    [
        (r"\bblue (?:lamp|door)s?\b", True),
        (r"^blue[^.]{0,6}\d+ ?lamp", True),
        ("(?: \\w{1,9}){0,4} (?:蓝色|红色).{0,3}灯", True),
        ("(?:a b|c+?d|\\w{1,9} ){2,3}", True),
        ("(?:lamp)??s", True),
        ("blue(?! lamp)", False),
        ("blue$", False),  # `re` finds it before a last line end
        ("a{,3}b", False),  # RE2 knows no such repeat
        ("[[:alpha:]]", False),  # `re` knows no such class
        ("(?:b?|a){0,2}b", False),  # "abb": the first time round RE2 takes nothing, and goes round again
        ("(?:a|b?){1,2}", False),
        ("(?:a{0,2}b*){1,2}", False),
        (r"a\B", False),
        (r"\x61", False),
        ("a++b", False),
        ("(?i:a)", False),
    ],
)
def test_what_both_read_alike_is_known(pattern: str, alike: bool) -> None:
    assert reads_alike(pattern) is alike


def test_re2_and_re_differ_where_it_is_said() -> None:
    reading = Reading("(?:b?|a){0,2}b")
    assert reading.quick is not None and Line(b"abb").first(reading.quick) == (0, 2)
    assert reading.first(Line(b"abb")) == (0, 3) == spans_by_re(reading.pattern, "abb")[0]


def test_most_patterns_of_the_standard_are_read_alike(shipped: Standard) -> None:
    every = {p for rule in shipped.rules for tree in rule.alternatives for p in patterns_in(tree)}
    assert sum(Reading(p).same for p in every) > 0.9 * len(every) > 500


@pytest.mark.parametrize("pattern", ["a{,3}b", "[[:alpha:]]b", "a{,}b"])
def test_what_re2_would_misread_is_left_to_re(pattern: str) -> None:
    assert widened(pattern) is None
    assert Reading(pattern).first(Line(b"a]b")) == spans_by_re(pattern, "a]b")[0]


def test_the_quick_pattern_is_there_and_refuses_what_does_not_match() -> None:
    quick = widened("blue lamp|蓝色.{0,3}台灯(?! 坏了)")
    assert quick is not None
    texts = ("a blue lamp", "看蓝色的台灯", "a red lamp", "红色的台灯", "", "é blue lamp")
    assert [Line(text.encode()).first(quick) for text in texts] == [(2, 11), (1, 6), None, None, None, (2, 11)]
    line = Line("蓝色台灯, blue lamp".encode())
    assert [line.first(quick, at) for at in (0, 1, 7)] == [(0, 4), (6, 15), None]
