"""Sample the hashes of a line's windows by array passes: the reference of the kernel, and its stand-in.

Windows of 12 bytes are hashed and the one in 16 whose hash falls in a fixed sixteenth of the range is kept.

Source: the sampling is scaled MinHash (Irber et al. 2022, "Lightweight compositional analysis of metagenomes with
FracMinHash").
"""

import numpy as np
from numpy.typing import NDArray

WINDOW_BYTES = 12
SAMPLED = 1 << 60  # one sixteenth of the 64-bit range
CHUNK = 1 << 18  # windows hashed at a time, so that they stay in the cache
MIX = tuple(np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD))

Lines = bytes | bytearray  # newline-joined, as the fold gives them
Hashes = NDArray[np.uint64]
Positions = NDArray[np.int64]


def sample_lines(
    buffer: Lines, offsets: Positions, kept: int, asked: NDArray[np.bool_] | None = None
) -> tuple[Positions, Hashes]:
    """Sample every line; a line's hashes are distinct and ascending, at most `kept` of them, or all where it is -1.

    Shape: line i's hashes are `hashes[starts[i]:starts[i + 1]]`; none where `asked` says that they are not wanted.
    """
    hashes, at = _sampled(buffer[: int(offsets[-1])])
    line = np.searchsorted(offsets, at, side="right") - 1
    inside = (line >= 0) & (at + WINDOW_BYTES < offsets[np.minimum(line + 1, len(offsets) - 1)])
    if asked is not None:
        inside[inside] = asked[line[inside]]
    return _smallest(hashes[inside], line[inside], len(offsets) - 1, kept)


def _sampled(buffer: Lines) -> tuple[Hashes, Positions]:
    count = len(buffer) - WINDOW_BYTES + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    heads = np.ndarray((count,), dtype="<u8", buffer=buffer, strides=(1,))
    tails = np.ndarray((count,), dtype="<u4", buffer=buffer, offset=8, strides=(1,))
    hashes, places = [], []
    for start in range(0, count, CHUNK):
        h = heads[start : start + CHUNK] * MIX[0]
        h ^= tails[start : start + CHUNK].astype(np.uint64) * MIX[1]
        h ^= h >> np.uint64(29)
        h *= MIX[2]
        h ^= h >> np.uint64(32)
        at = np.flatnonzero(h < SAMPLED)
        hashes.append(h[at])
        places.append(at + start)
    return np.concatenate(hashes), np.concatenate(places)


def _smallest(hashes: Hashes, rows: Positions, count: int, kept: int) -> tuple[Positions, Hashes]:
    order = np.lexsort((hashes, rows))
    hashes, rows = hashes[order], rows[order]
    fresh = np.ones(len(hashes), dtype=bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    hashes, rows = hashes[fresh], rows[fresh]
    if kept >= 0:
        begin = np.searchsorted(rows, np.arange(count))
        near = np.arange(len(rows)) - begin[rows] < kept
        hashes, rows = hashes[near], rows[near]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))]).astype(np.int64)
    return starts, hashes
