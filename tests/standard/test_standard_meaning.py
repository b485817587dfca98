"""What a match tree means: held against a reference that tries every choice of spans."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standard_writing import rule_of, sound, standard_of

from tocsin.standard import Rule, compile_pack, load_standard, reference_pack
from tocsin.standard.model import RuleForm
from tocsin.text import fold_batch

Span = tuple[int, int]
WORDS = ("lamp", "door", "gate", "old bridge", "台灯", "大门")
REGEXES = (r"\d{2,3}", "st[aeiou]n(?:e|d)", "河.{0,2}桥", "lamps?(?!,)", "(?<!old )bridge")
NOISE = (
    "a",
    "lamps",
    "indoor",
    "。",
    "?",
    "dr.",
    "7. ",
    "7",
    "42",
    "stone",
    "stand",
    "河上桥",
    "河 边 桥",
    "台 灯",
    "old",
    "bridge",
)

leaves = st.one_of(st.sampled_from(WORDS), st.sampled_from(REGEXES).map(lambda regex: {"regex": regex}))
anys = st.lists(leaves, min_size=1, max_size=3, unique_by=str).map(lambda items: {"any": items})
nears = st.builds(
    lambda within, items, one: {"near": {"within": within, "of": items, "one_sentence": one}},
    st.integers(3, 40),
    st.lists(st.one_of(leaves, anys), min_size=2, max_size=3),
    st.booleans(),
)
alls = st.lists(st.one_of(leaves, anys, nears), min_size=2, max_size=3).map(lambda items: {"all": items})
trees = st.one_of(
    leaves, anys, nears, st.lists(st.one_of(anys, nears), min_size=1, max_size=2).map(lambda i: {"any": i})
)
lines = st.lists(st.sampled_from(WORDS + NOISE), max_size=9).flatmap(
    lambda words: st.sampled_from([" ", ", ", "  ", "，"]).map(lambda gap: gap.join(words))
)
lines = st.builds(
    str.__add__, lines, st.sampled_from(["", "", f" {'x' * 200}"])
)  # long lines are gone through otherwise


def spans(node: Any, line: str) -> list[Span]:
    """Every span of a node that has no `all` inside, by trying all of them."""
    if isinstance(node, str):
        edges = [r"(?<![a-z0-9_])" if node[0].isascii() else "", r"(?![a-z0-9_])" if node[-1].isascii() else ""]
        return [m.span() for m in re.finditer(edges[0] + node + edges[1], line)]
    if "regex" in node:
        return [m.span() for m in re.finditer(node["regex"], line, re.ASCII)]
    if "any" in node:
        return [span for item in node["any"] for span in spans(item, line)]
    choices = product(*(spans(item, line) for item in node["near"]["of"]))
    stretches = [(min(s for s, _ in choice), max(e for _, e in choice)) for choice in choices]
    near = [(low, high) for low, high in stretches if high - low <= node["near"]["within"]]
    return [s for s in near if not (node["near"].get("one_sentence") and ends_inside(line, *s))]


def ends_inside(line: str, low: int, high: int) -> bool:
    """Say whether a sentence ends before the last character of a stretch, word by word."""
    for at in range(low, high - 1):
        word = re.split(r"[^a-z0-9_]", line[:at])[-1]
        stop = line[at] == "." and line[at + 1] == " " and at + 1 < high - 1
        if line[at] in "。?!;" or (stop and word not in ("dr", "mr", "mrs") and not re.fullmatch("[a-z]", word)):
            return True
    return False


def speaks(node: Any, line: str) -> bool:
    return all(spans(item, line) for item in node["all"]) if "all" in node else bool(spans(node, line))


def rule(match: Any, unless: Any = None) -> Rule:
    return Rule(RuleForm.model_validate(sound(match=match, unless=unless)))


def folded(text: str) -> str:
    return fold_batch(pa.array([text], pa.string())).line(0)


@given(trees, lines)
def test_a_tree_matches_where_some_choice_of_spans_does(tree: Any, text: str) -> None:
    line = folded(text)
    assert rule(tree).first(line) == min(spans(tree, line), default=None)


@given(alls, lines)
def test_all_matches_where_every_item_does(tree: Any, text: str) -> None:
    line = folded(text)
    found = rule(tree).first(line)
    assert (found is not None) == speaks(tree, line)
    assert found is None or found in [span for item in tree["all"] for span in spans(item, line)]


@given(trees, st.one_of(trees, alls), lines)
def test_an_exception_silences_a_rule_wherever_it_stands(tree: Any, unless: Any, text: str) -> None:
    line = folded(text)
    silent = speaks(unless, line)
    assert rule(tree, unless).first(line) == (None if silent else rule(tree).first(line))


@given(st.lists(leaves, min_size=2, max_size=3), st.integers(3, 40), lines, st.randoms())
def test_the_order_of_items_changes_nothing(items: list[Any], within: int, text: str, random: Any) -> None:
    other = random.sample(items, len(items))
    one, two = ({"near": {"within": within, "of": some}} for some in (items, other))
    assert rule(one).first(folded(text)) == rule(two).first(folded(text))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("a blue lamp", True),
        ("a blue lamps", False),
        ("azure-blue lamp.", True),
        ("sky_blue lamp", False),
        ("是blue lamp吗", True),
        ("blue\n\t lamp", True),
        ("ＢＬＵＥ　ＬＡＭＰ", True),
        ("b l u e l a m p", True),
        ("Ymx1ZSBsYW1wIGlzIG9uIHRoZSBkZXNrIHRvbmlnaHQ=", True),
    ],
)
def test_a_literal_stands_for_whole_words(tmp_path: Path, text: str, spoken: bool) -> None:
    standard = standard_of(tmp_path, sound(match="Blue  Lamp"), prove=False)
    for pack in (compile_pack(standard), reference_pack(standard)):
        assert bool(pack.matches(fold_batch(pa.array([text], pa.string())))) is spoken


def test_a_chinese_literal_stands_anywhere(tmp_path: Path) -> None:
    assert rule_of(tmp_path, "蓝色台灯").first("我要买蓝色台灯吗") == (3, 7)


def test_near_counts_characters_from_first_to_last(tmp_path: Path) -> None:
    near = {"near": {"within": 10, "of": ["lamp", "blue"]}}
    assert rule_of(tmp_path, near).first("lamp, blue") == (0, 10)
    assert rule_of(tmp_path, near).first("lamp , blue") is None
    assert rule_of(tmp_path, near).first("lamp lamp, blue") == (5, 15)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("blue, lamp", True),
        ("blue. lamp", False),
        ("blue.lamp", True),
        ("blue? lamp", False),
        ("蓝色台灯 blue！lamp", False),
        ("blue。lamp", False),
        ("blue Dr. A. lamp", True),
        ("is it blue? a blue lamp.", True),
        ("blue\nlamp", True),
    ],
)
def test_near_in_one_sentence_stops_where_it_ends(tmp_path: Path, text: str, spoken: bool) -> None:
    near = {"near": {"within": 30, "one_sentence": True, "of": ["lamp", "blue"]}}
    assert (rule_of(tmp_path, near).first(folded(text)) is not None) is spoken


def test_one_item_twice_is_satisfied_by_one_span(tmp_path: Path) -> None:
    assert rule_of(tmp_path, {"near": {"within": 9, "of": ["lamp", "lamp"]}}).first("a lamp") == (2, 6)


def test_a_list_means_any_of_its_items(tmp_path: Path) -> None:
    lists = {"lamps": ["blue lamp", {"regex": "lamps? of \\w{1,9}"}, {"all": ["红色", "台灯"]}]}
    rule = rule_of(tmp_path, {"list": "lamps"}, lists=lists)
    assert [rule.first(t) is not None for t in ("blue lamp", "lamps of brass", "台灯是红色的", "台灯", "lamp")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_the_examples_of_a_folder_prove_with_its_lists(tmp_path: Path) -> None:
    standard_of(tmp_path, sound(match={"list": "lamps"}), lists={"lamps": ["blue lamp", "蓝色台灯"]})
    assert load_standard(tmp_path).rules[0].first("blue lamp") == (0, 9)
