"""Template sketch: sampled hashes of a text's folded windows. Texts that share long stretches share hashes.

The smallest few of a text's sampled hashes are kept. Filling a template's slots anew changes only the windows that
touch a slot.
"""

import numpy as np
import pyarrow as pa

from tocsin.text.fold import Folded
from tocsin.text.kernels import sample_lines
from tocsin.text.scanned import Scanned
from tocsin.text.windows import CHUNK, MIX, SAMPLED, WINDOW_BYTES, Hashes, Positions

__all__ = ["KEPT", "SAMPLED", "WINDOW_BYTES", "Hashes", "sketch_batch", "sketch_slowly"]

KEPT = 16
_CHUNK, _MIX = CHUNK, MIX


def sketch_batch(folded: Folded, scanned: Scanned | None = None) -> pa.Array:
    """Sketch every text of a batch; derived lines are left out. `scanned` spares a pass where the batch was scanned.

    Shape: one list of at most 16 distinct hashes a text, smallest first; empty where the text is shorter than a window.
    """
    if scanned is None:
        starts, hashes = sample_lines(folded.buffer, folded.offsets[: len(folded.texts) + 1], KEPT)
    else:
        starts, hashes = _smallest(scanned, len(folded.texts))
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), pa.array(hashes))


def _smallest(scanned: Scanned, count: int) -> tuple[Positions, Hashes]:
    first = scanned.starts[:count]
    held = np.minimum(np.diff(scanned.starts[: count + 1]), KEPT)
    starts = np.concatenate([[0], np.cumsum(held)])
    return starts, scanned.hashes[np.repeat(first - starts[:-1], held) + np.arange(starts[-1])]


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
