"""The sieve's kernel names what its reference names, whatever the lines, the literals and the cut."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.text import BOUNDARY, Demand, keep_demands, kernels_in_use, meet_demands, pack_demands
from tocsin.text.demands import MOST_HITS, _key, meet_slowly

pytestmark = pytest.mark.skipif(kernels_in_use() == "python", reason="no kernels are compiled here")

ALPHABETS = ("ab ", "ab_1 c", "你好a ,b", "a")
LANES = 0, 1, 2  # plain, for AVX2, for AVX-512
EDGES = st.sampled_from(["", BOUNDARY])


def join(lines: list[str]) -> tuple[bytes, NDArray[np.int64]]:
    raw = [line.encode() + b"\n" for line in lines]
    return b"".join(raw), np.cumsum([0, *map(len, raw)])


def met(lines: list[str], demands: list[Demand], columns: list[int] | None = None) -> list[tuple[int, int]]:
    """Ask the kernel, for every sort of processor, and see to it that the reference says the same."""
    from tocsin.text import _kernels

    ears, kept = np.array(columns or [0] * len(lines), dtype=np.uint8), keep_demands(pack_demands(demands))
    found = list(map(tuple, meet_demands(*join(lines), ears, kept).tolist()))
    assert found == meet_slowly(*join(lines), ears, demands)
    raw = (_kernels.meet_kept(*join(lines), ears, kept, lanes) for lanes in LANES)
    plain, *others = (sorted(np.frombuffer(r, dtype="<u4").reshape(-1, 4).tolist()) for r in raw)
    assert all(other == plain for other in others)
    return [(line, demand) for line, demand, _, _ in found]


def in_some_order(demand: Demand) -> st.SearchStrategy[Demand]:
    ranks = st.permutations(range(len(demand.sets)))
    return ranks.map(lambda order: replace(demand, order=tuple(order)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], list[Demand], list[int]]:
    letters = st.sampled_from(draw(st.sampled_from(ALPHABETS)))
    literal = st.builds(
        lambda before, body, after: before + body + after, EDGES, st.text(letters, min_size=1, max_size=12), EDGES
    )
    sets = st.lists(st.lists(literal, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
    within = st.none() | st.integers(0, 30)
    plain = st.builds(Demand, sets, within, st.sampled_from([0xFF, 1, 6]))
    demands = st.lists(plain | plain.flatmap(in_some_order), max_size=8)
    lines = [line * draw(st.integers(1, 20)) for line in draw(st.lists(st.text(letters, max_size=80), max_size=5))]
    return lines, draw(demands), draw(st.lists(st.integers(0, 7), min_size=len(lines), max_size=len(lines)))


@settings(max_examples=300)
@given(cases())
def test_the_kernel_is_its_reference(case: tuple[list[str], list[Demand], list[int]]) -> None:
    met(*case)


@given(cases(), st.integers(0, 5))
def test_any_cut_of_the_lines_gives_the_same(case: tuple[list[str], list[Demand], list[int]], at: int) -> None:
    lines, demands, columns = case
    at = min(at, len(lines))
    behind = [(line + at, demand) for line, demand in met(lines[at:], demands, columns[at:])]
    assert met(lines[:at], demands, columns[:at]) + behind == met(lines, demands, columns)


def test_a_demand_wants_one_literal_of_each_set() -> None:
    demands = [Demand((("blue", "red"), ("lamp",)))]
    assert met(["a red thing, a lamp", "blue", "lamp", "lamplight in blue"], demands) == [(0, 0), (3, 0)]


def test_what_stands_too_far_apart_does_not_count() -> None:
    demands = [Demand((("红灯",), ("门",)), within=6)]
    assert met(["门前有红灯", "红灯在很远的门", "门 门 红灯"], demands) == [(0, 0), (2, 0)]


def test_what_comes_in_another_order_does_not_count() -> None:
    demands = [Demand((("lamp",), ("blue",), ("door",)), within=30, order=(1, 0, 2))]
    assert met(["a blue lamp by the door", "a lamp, blue, by the door", "blue lampdoor", "bluelamp"], demands) == [
        (0, 0),
        (2, 0),
    ]
    assert met(["the door, the blue lamp, the lamp, a door"], demands) == [(0, 0)]


def test_an_edge_is_where_an_ascii_word_ends() -> None:
    demands = [Demand(((f"{BOUNDARY}cat{BOUNDARY}",),))]
    assert met(["cat", "cats", "a cat.", "concat", "猫cat猫", "cat_"], demands) == [(0, 0), (2, 0), (4, 0)]


def test_a_lone_literal_is_told_with_its_first_place() -> None:
    demands = [Demand(((f"{BOUNDARY}lamp{BOUNDARY}",),)), Demand((("lamp", "door"),)), Demand((("lamp",), ("门",)))]
    columns = np.zeros(1, dtype=np.uint8)
    places = meet_demands(*join(["clamp 门, lamp lamp"]), columns, keep_demands(pack_demands(demands))).tolist()
    assert places == [[0, 0, 9, 13], [0, 1, -1, -1], [0, 2, -1, -1]]


def test_only_those_hear_who_have_an_ear() -> None:
    demands = [Demand((("lamp",),), ears=0b10)]
    assert met(["lamp", "lamp"], demands, [0, 1]) == [(1, 0)]


def test_a_set_that_stands_everywhere_counts_as_near() -> None:
    assert met(["b" * (MOST_HITS + 9) + " " * 50 + "lamp"], [Demand((("lamp",), ("b",)), within=8)]) == [(0, 0)]
    assert met(["b" * 9 + " " * 50 + "lamp"], [Demand((("lamp",), ("b",)), within=8)]) == []


def test_windows_that_begin_alike_are_told_apart() -> None:
    words = [f"lamps{a}{b}{c}" for a in "abcdef" for b in "abcdef" for c in "abcdef"]
    assert met(words, [Demand(((word,),)) for word in words]) == [(n, n) for n in range(len(words))]


def test_windows_with_the_same_tag_are_told_apart() -> None:
    letters = np.random.default_rng(7).integers(ord("a"), ord("z") + 1, (300_000, 8), dtype=np.uint8)
    words = sorted(bytes(row).decode() for row in letters)
    tags: dict[int, list[str]] = {}
    for word in dict.fromkeys(words):
        tags.setdefault(_key(word.encode()) >> 32, []).append(word)
    alike = [word for own in tags.values() if len(own) > 1 for word in own]
    assert len(alike) > 8
    assert met(alike, [Demand(((word,),)) for word in alike]) == [(n, n) for n in range(len(alike))]


@pytest.mark.parametrize("size", [7, 8, 15, 16, 17, 40])
@pytest.mark.parametrize("last", ["b", "灯"])
def test_literals_of_any_size_are_compared_whole(size: int, last: str) -> None:
    word, other = "a" * (size - 1) + last, "a" * (size - 1) + "c"
    demands = [Demand(((f"{BOUNDARY}{word}{BOUNDARY}",),)), Demand(((word,), ("x",)))]
    lines = [word, other, f"x {word}", f"x{word}", f"{word}x", f"{other} {word[:-1]}", f"{word} x"]
    ends = last == "b"  # a word of ASCII ends before an ASCII letter no more than it begins behind one
    assert met(lines, demands[1:]) == [(n, 0) for n in (2, 3, 4, 6)]
    assert [line for line, _ in met(lines, demands[:1])] == ([0, 2, 6] if ends else [4])


def test_long_lines_are_searched_to_their_end() -> None:
    line = "x y " * 70_000 + "the blue lamp by the door"
    assert met([line, "lamp"], [Demand((("blue lamp",), ("door",)), within=21)]) == [(0, 0)]


def test_distances_in_long_lines_count_characters() -> None:
    line = "灯 " * 30_000 + "the blue lamp by the 红 door" + " 灯" * 30_000
    assert met([line, "lamp"], [Demand((("blue lamp",), ("door",)), within=23)]) == [(0, 0)]
    assert met([line, "lamp"], [Demand((("blue lamp",), ("door",)), within=22)]) == []


def test_no_lines_and_no_demands_meet_nothing() -> None:
    assert met([], [Demand((("lamp",),))]) == met(["lamp"], []) == met([], []) == met(["", ""], []) == []


def test_empty_literals_and_demands_without_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="literal is empty"):
        pack_demands([Demand(((BOUNDARY,),))])
    with pytest.raises(ValueError, match="no sets"):
        pack_demands([Demand(())])


@given(st.data())
def test_arrays_that_lead_outside_themselves_are_refused(data: st.DataObject) -> None:
    packed = pack_demands([Demand((("blue", "red"), ("lamp",)), within=9), Demand((("红灯笼",),))])
    arrays = list(packed.arrays)
    place = data.draw(st.sampled_from([i for i, a in enumerate(arrays) if isinstance(a, np.ndarray)]))
    raw = np.array(arrays[place])
    raw.reshape(-1)[data.draw(st.integers(0, raw.size - 1))] = data.draw(st.integers(0, np.iinfo(raw.dtype).max))
    arrays[place] = raw
    from tocsin.text import _kernels

    lines = (*join(["a red lamp", "红灯笼"]), np.zeros(2, np.uint8))
    for meet in (
        *(partial(_kernels.meet_demands, (*lines, *arrays), lanes) for lanes in LANES),
        lambda: _kernels.meet_kept(*lines, _kernels.keep_demands(tuple(arrays)), LANES[-1]),
    ):
        try:
            found = meet()
        except ValueError as error:
            assert "unsound" in str(error)
        else:
            assert len(found) % 16 == 0


def test_kept_demands_do_not_change_with_what_they_were_made_of() -> None:
    from tocsin.text import _kernels

    arrays = [np.array(a) for a in pack_demands([Demand((("lamp",),)), Demand((("door",),))]).arrays]
    kept, lines = _kernels.keep_demands(tuple(arrays)), (*join(["the lamp by the door", "x"]), np.zeros(2, np.uint8))
    before = _kernels.meet_kept(*lines, kept, True)
    for array in arrays:
        array.reshape(-1)[:] = np.iinfo(array.dtype).max
    assert _kernels.meet_kept(*lines, kept, True) == before and len(before) == 32
    for wrong in ((), tuple(arrays[:-1]), (*arrays[:-1], "x")):
        with pytest.raises((ValueError, TypeError, BufferError)):
            _kernels.keep_demands(wrong)
    for other in (None, object(), arrays[0]):
        with pytest.raises((ValueError, TypeError)):
            _kernels.meet_kept(*lines, other, True)
    with pytest.raises(ValueError, match="columns"):
        _kernels.meet_kept(*join(["a", "b"]), np.zeros(1, np.uint8), kept, True)
