"""Template sketch: sampled hashes of a text's folded windows. Texts that share long stretches share hashes.

Windows of 12 bytes are hashed and the one in 16 whose hash falls in a fixed sixteenth of the range is kept
(FracMinHash), then the smallest few of a text. Filling a template's slots anew changes only the windows that touch a
slot.

Source: the sampling is scaled MinHash (Irber et al. 2022, "Lightweight compositional analysis of metagenomes with
FracMinHash").
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.text.fold import Folded

WINDOW_BYTES = 12
SAMPLED = 1 << 60  # one sixteenth of the 64-bit range
KEPT = 16
_CHUNK = 1 << 18
_MIX = tuple(np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD))

Hashes = NDArray[np.uint64]


def sketch_batch(folded: Folded) -> pa.Array:
    """Sketch every text of a batch; derived lines are left out.

    Shape: one list of at most 16 distinct hashes a text, smallest first; empty where the text is shorter than a window.
    """
    rows = len(folded.texts)
    hashes, at = _sampled(folded.buffer[: int(folded.offsets[rows])])
    line = np.searchsorted(folded.offsets[: rows + 1], at, side="right") - 1
    inside = at + WINDOW_BYTES < folded.offsets[line + 1] if len(at) else np.zeros(0, dtype=bool)
    return _smallest(hashes[inside], line[inside], rows)


def sketch_slowly(line: bytes) -> list[int]:
    """Sketch one folded line window by window: the reference that the fast sketch must equal."""
    windows = (line[i : i + WINDOW_BYTES] for i in range(len(line) - WINDOW_BYTES + 1))
    hashes = {_hash_slowly(w) for w in windows}
    return sorted(h for h in hashes if h < SAMPLED)[:KEPT]


def _hash_slowly(window: bytes) -> int:
    head, tail = int.from_bytes(window[:8], "little"), int.from_bytes(window[8:], "little")
    a, b, c = (int(m) for m in _MIX)
    mask = (1 << 64) - 1
    h = ((head * a) & mask) ^ ((tail * b) & mask)
    h ^= h >> 29
    h = (h * c) & mask
    return h ^ (h >> 32)


def _sampled(buffer: bytes) -> tuple[Hashes, NDArray[np.int64]]:
    count = len(buffer) - WINDOW_BYTES + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    heads = np.ndarray((count,), dtype="<u8", buffer=buffer, strides=(1,))
    tails = np.ndarray((count,), dtype="<u4", buffer=buffer, offset=8, strides=(1,))
    hashes, places = [], []
    for start in range(0, count, _CHUNK):  # chunks that stay in the cache
        h = heads[start : start + _CHUNK] * _MIX[0]
        h ^= tails[start : start + _CHUNK].astype(np.uint64) * _MIX[1]
        h ^= h >> np.uint64(29)
        h *= _MIX[2]
        h ^= h >> np.uint64(32)
        at = np.flatnonzero(h < SAMPLED)
        hashes.append(h[at])
        places.append(at + start)
    return np.concatenate(hashes), np.concatenate(places)


def _smallest(hashes: Hashes, rows: NDArray[np.int64], count: int) -> pa.Array:
    order = np.lexsort((hashes, rows))
    hashes, rows = hashes[order], rows[order]
    fresh = np.ones(len(hashes), dtype=bool)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    hashes, rows = hashes[fresh], rows[fresh]
    begin = np.searchsorted(rows, np.arange(count))
    keep = np.arange(len(rows)) - begin[rows] < KEPT
    kept = np.bincount(rows[keep], minlength=count)
    offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(hashes[keep]))
