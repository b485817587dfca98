"""Kernels and array passes name the same lines and give the same numbers."""

from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from fingerprint_texts import KEY, alarms_of, edited, noise, padded, text
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.text import Hashes, densest, fold_batch
from tocsin.text.bank import Segment, encode_segment, join
from tocsin.text.fingerprint import siphash
from tocsin.text.kernels import sample_lines
from tocsin.text.stretch import LineWindows, densest_slowly

RANDOM = Random(41)
SAME = text("en", RANDOM, 30)
OURS = {f"t{i:02}": SAME if i % 3 == 0 else text("zh" if i % 3 == 1 else "en", RANDOM, 8 + i) for i in range(60)}
SEGMENT = Segment.parse(b"".join(encode_segment(join([alarms_of(OURS), noise(500, RANDOM)]))))


@given(st.lists(st.sampled_from(sorted(OURS)), max_size=6), st.integers(0, 99), st.integers(1, 20))
def test_the_same_lines_are_voted_for(names: list[str], seed: int, most: int) -> None:
    random = Random(seed)
    changed = [padded(edited(OURS[name], "en", random), "zh", random) for name in names]
    folded = fold_batch(pa.array(["", *changed, *(OURS[name] for name in names), "short"], pa.string()))
    starts, hashes = sample_lines(folded.buffer, folded.offsets, -1)
    keyed = KEY.keyed(hashes)
    voted = SEGMENT.named_by_arrays(keyed, starts, most)
    expected = [pair for pair in voted.tolist() if seconded(*pair, keyed, starts)]
    assert SEGMENT.named(keyed, starts, most).tolist() == expected
    assert voted[SEGMENT.seconded(voted, keyed, starts)].tolist() == expected
    lines = SEGMENT.voted(keyed, starts, most).tolist()
    assert lines == sorted({line for line, _ in expected})
    assert set(range(len(names) + 1, 2 * len(names) + 1)) <= set(lines) or most < 20


def seconded(line: int, alarm: int, keyed: Hashes, starts: NDArray[np.int64]) -> bool:
    """Say the slow way whether enough of a line's windows are the alarm's."""
    ours = set(SEGMENT.windows[SEGMENT.begin[alarm] : SEGMENT.begin[alarm + 1]].tolist())
    theirs = keyed[starts[line] : starts[line + 1]].astype(np.uint32).tolist()
    return sum(window in ours for window in theirs) >= SEGMENT.seconds[alarm]


@given(st.lists(st.sampled_from(sorted(OURS)), min_size=1, max_size=4), st.integers(0, 99), st.integers(1, 40))
def test_the_densest_stretch_is_the_references(names: list[str], seed: int, times: int) -> None:
    random = Random(seed)
    rows = [padded(edited(OURS[name], "en", random), "zh", random) for name in names]
    folded = fold_batch(pa.array([*rows, "", OURS[names[0]] * times, "a" * 400], pa.string()))
    lines = np.flatnonzero(np.arange(len(folded)) % 4 != seed % 4)
    windows = LineWindows.of(folded, lines, KEY)
    pairs = np.array([(i, a) for i in range(len(lines)) for a in range(0, len(SEGMENT), 7)], dtype=np.int64)
    random.shuffle(mixed := pairs.tolist())
    for some in (pairs, np.array(mixed)):
        expected = [densest_slowly(windows, SEGMENT, *pair) for pair in some.tolist()]
        asked = np.stack([lines[some[:, 0]], some[:, 1]], axis=1)
        assert densest(folded, KEY, SEGMENT, asked).tolist() == list(map(list, expected))
    alone = [LineWindows.of(folded, lines[i : i + 1], KEY) for i in range(len(lines))]
    assert [w.low.tolist() for w in alone] == [windows.low[a:b].tolist() for a, b in pairwise(windows.starts.tolist())]


@pytest.mark.parametrize("pair", [(1, 0), (-1, 0), (0, len(SEGMENT)), (0, -1)])
def test_pairs_of_no_line_or_alarm_are_refused(pair: tuple[int, int]) -> None:
    pytest.importorskip("tocsin.text._kernels", reason="no compiled kernels")
    with pytest.raises(ValueError, match="offsets"):
        densest(fold_batch(pa.array([SAME])), KEY, SEGMENT, np.array([pair]))


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=40))
def test_the_same_numbers_are_keyed(words: list[int]) -> None:
    hashes = np.array(words, dtype=np.uint64)
    assert KEY.keyed(hashes).tolist() == np.maximum(siphash(KEY.secret, hashes), 1).tolist()
