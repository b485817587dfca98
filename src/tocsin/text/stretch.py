"""Find the stretch of a line that holds most of an alarm's windows: the kernel's reference, and its stand-in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.text.bank import Segment
from tocsin.text.fingerprint import GroupKey, hash_windows
from tocsin.text.fold import Folded
from tocsin.text.kernels import densest_stretches, kernels_in_use
from tocsin.text.probe import MOST_WINDOWS
from tocsin.text.windows import WINDOW_BYTES, Positions

LEAST_WIDTH = 128  # bytes of a stretch, which is twice as wide as what the alarm was made from

U32 = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class LineWindows:
    """Hold all keyed windows of some lines: of line i `low[starts[i]:starts[i + 1]]`, ascending, and where each stands.

    Units: `low` is the lower half of a keyed hash, `at` a byte of the line.
    """

    low: U32
    at: Positions
    starts: Positions

    @classmethod
    def of(cls, folded: Folded, lines: Positions, key: GroupKey) -> "LineWindows":
        """Key the windows of these lines of a batch."""
        begin, end = folded.offsets[lines], folded.offsets[lines + 1]
        raw = b"".join(folded.buffer[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True))
        ends = np.cumsum(end - begin)
        hashes, at = hash_windows(raw)
        line = np.searchsorted(ends, at, side="right")
        inside = at + WINDOW_BYTES < ends[line]
        line, low = line[inside], key.keyed(hashes[inside]).astype(np.uint32)
        order = np.argsort(line.astype(np.uint64) << np.uint64(32) | low)
        at = at[inside] - (ends - (end - begin))[line]
        return cls(low[order], at[order], np.searchsorted(line, np.arange(len(lines) + 1)))


def densest(folded: Folded, key: GroupKey, segment: Segment, pairs: Positions) -> Positions:
    """Find for pairs (line, alarm) the densest stretch; quickest where the pairs of a line stand together.

    Shape: rows of how many different windows it holds, the byte where the first of them begins, and the last; zeros
    where the line holds none.
    """
    if kernels_in_use() != "python":
        arrays = (folded.buffer, folded.offsets, key.secret, segment.windows, segment.begin, segment.stretch)
        return densest_stretches(arrays, pairs)
    lines, at = np.unique(pairs[:, 0], return_inverse=True)
    windows = LineWindows.of(folded, lines, key)
    found = [densest_slowly(windows, segment, *pair) for pair in zip(at.tolist(), pairs[:, 1].tolist(), strict=True)]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def densest_slowly(windows: LineWindows, segment: Segment, line: int, alarm: int) -> tuple[int, int, int]:
    """Find one pair's densest stretch."""
    inside = slice(int(windows.starts[line]), int(windows.starts[line + 1]))
    wanted = segment.windows[int(segment.begin[alarm]) : int(segment.begin[alarm + 1])]
    which, at = _places(wanted, windows.low[inside], windows.at[inside])
    if not len(at):
        return 0, 0, 0
    at, held = _densest(which, at, max(2 * int(segment.stretch[alarm]), LEAST_WIDTH))
    return held, int(at.min()), int(at.max())


def _places(wanted: U32, low: U32, at: Positions) -> tuple[Positions, Positions]:
    """Find where in a line the wanted windows stand, as (which of them, byte)."""
    first, last = np.searchsorted(low, wanted, side="left"), np.searchsorted(low, wanted, side="right")
    counts = last - first
    steps = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(np.arange(len(wanted)), counts), at[np.repeat(first, counts) + steps]


def _densest(which: Positions, at: Positions, width: int) -> tuple[Positions, int]:
    """Choose the block of the text with most different windows; blocks overlap by half."""
    half = max(1, width // 2)
    block = at // half
    blocks = np.concatenate([block, block - 1]) + 1
    pairs = np.unique(blocks * MOST_WINDOWS + np.concatenate([which, which]))
    numbers, held = np.unique(pairs // MOST_WINDOWS - 1, return_counts=True)
    best = int(np.argmax(held))
    inside = (block == numbers[best]) | (block == numbers[best] + 1)
    return at[inside], int(held[best])
