"""Kernels and array passes name the same lines and give the same numbers."""

from random import Random

import numpy as np
import pyarrow as pa
from fingerprint_texts import KEY, alarms_of, edited, noise, padded, text
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.text import Hashes, fold_batch
from tocsin.text.bank import Segment, encode_segment, join
from tocsin.text.fingerprint import siphash
from tocsin.text.kernels import sample_lines

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
    expected = SEGMENT.named_by_arrays(keyed, starts, most)
    assert SEGMENT.named(keyed, starts, most).tolist() == expected.tolist()
    lines = SEGMENT.voted(keyed, starts, most).tolist()
    assert lines == sorted({line for line, alarm in expected.tolist() if seconded(line, alarm, keyed, starts)})
    assert set(range(len(names) + 1, 2 * len(names) + 1)) <= set(lines) or most < 20


def seconded(line: int, alarm: int, keyed: Hashes, starts: NDArray[np.int64]) -> bool:
    """Say the slow way whether enough of a line's windows are the alarm's."""
    ours = set(SEGMENT.windows[SEGMENT.begin[alarm] : SEGMENT.begin[alarm + 1]].tolist())
    theirs = keyed[starts[line] : starts[line + 1]].astype(np.uint32).tolist()
    return sum(window in ours for window in theirs) >= SEGMENT.seconds[alarm]


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=40))
def test_the_same_numbers_are_keyed(words: list[int]) -> None:
    hashes = np.array(words, dtype=np.uint64)
    assert KEY.keyed(hashes).tolist() == np.maximum(siphash(KEY.secret, hashes), 1).tolist()
