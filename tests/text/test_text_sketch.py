"""Sketches: the fast one is the slow one, slots leave most of a template's hashes alone, strangers share none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_strategies import batches, fold

from tocsin.text import sketch_batch, sketch_slowly
from tocsin.text.sketch import KEPT, SAMPLED, WINDOW_BYTES

TEMPLATES = [
    (
        "Write a short friendly note to {} from our {} team, say that the {} meeting moved to {} and ask them to "
        "confirm by mail; keep it under ninety words, close with a warm greeting and mention the shared calendar."
    ),
    (
        "请替{}写一封给{}的邮件，说明{}的会议改到了{}，语气亲切自然，控制在一百字以内，结尾提醒对方查看共享日历并回复确认，"
        "不要使用过于正式的措辞，也不要加上多余的表情符号。"
    ),
]
SLOTS = [
    ("Ada", "sales", "weekly", "Monday"),
    ("Jonathan", "support", "quarterly budget", "Thursday at 9"),
    ("李雷", "市场部", "季度", "周三下午"),
    ("韩梅梅", "客户服务", "年度总结", "下周一上午十点"),
]
UNRELATED = [
    "How do I sharpen a kitchen knife on a whetstone without ruining the edge, and how often should I do it at home?",
    "Explain the difference between a mutex and a semaphore with a small example in a language of your choice, please.",
    "我家的番茄叶子发黄卷曲，已经换过土也浇足了水，请问可能是什么原因，应该怎样一步一步排查并补救呢？",
    "帮我安排一次三天两夜的成都行程，两个大人一个五岁孩子，不要太赶，每天留出午睡时间，预算三千元左右。",
]
bounded = st.text(st.sampled_from("abcdef 指令é."), max_size=400)


def sketch(*texts: str) -> list[list[int]]:
    hashes: list[list[int]] = sketch_batch(fold(*texts)).to_pylist()
    return hashes


@given(st.lists(bounded, max_size=5))
def test_the_fast_sketch_is_the_slow_one(rows: list[str]) -> None:
    assert sketch(*rows) == [sketch_slowly(fold(row).line(0).encode()) for row in rows]


@given(batches)
def test_derived_lines_play_no_part(rows: list[str]) -> None:
    assert sketch(*rows) == [sketch_slowly(fold(row).line(0).encode()) for row in rows]


@given(st.lists(bounded, min_size=2, max_size=5), st.integers(0, 5))
def test_any_cut_of_a_batch_gives_the_same_sketches(rows: list[str], cut: int) -> None:
    assert sketch(*rows) == sketch(*rows[:cut]) + sketch(*rows[cut:])


@given(bounded)
def test_a_sketch_is_short_sorted_and_from_the_sampled_range(text: str) -> None:
    (hashes,) = sketch(text)
    assert len(hashes) <= KEPT
    assert all(a < b for a, b in pairwise(hashes))
    assert all(h < SAMPLED for h in hashes)


@pytest.mark.parametrize("text", ["", "a" * (WINDOW_BYTES - 1), "指令指"])
def test_a_text_shorter_than_a_window_has_no_hashes(text: str) -> None:
    assert sketch(text, "") == [[], []]


def test_one_window_in_sixteen_is_sampled() -> None:
    text = " ".join(str(i * i * 7919) for i in range(6000))
    sampled = [sketch_slowly(text[i : i + WINDOW_BYTES].encode()) for i in range(20_000)]
    assert 0.055 < sum(map(len, sampled)) / len(sampled) < 0.07


def test_a_sketch_does_not_see_case_width_or_blanks() -> None:
    plain = TEMPLATES[0].format(*SLOTS[0])
    assert sketch(plain) == sketch(plain.upper().replace(" ", " \n")) == sketch("\u200b".join(plain))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("one", SLOTS)
@pytest.mark.parametrize("other", SLOTS)
def test_a_template_keeps_most_of_its_hashes_whatever_fills_it(
    template: str, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    left, right = map(set, sketch(template.format(*one), template.format(*other)))
    assert len(left & right) >= 0.5 * min(len(left), len(right))
    assert len(left & right) >= 3


def test_texts_that_have_nothing_in_common_share_no_hash() -> None:
    filled = [t.format(*s) for t, s in zip(TEMPLATES, SLOTS[::2], strict=True)]
    found = [set(hashes) for hashes in sketch(*filled, *UNRELATED)]
    assert all(found)
    assert not any(a & b for i, a in enumerate(found) for b in found[:i])
