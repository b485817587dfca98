"""The kernels that this machine runs: compiled where they were built, their references everywhere else.

Both give the same bytes. Whoever folds, sketches or looks up goes through here.
"""

from types import ModuleType
from typing import Literal

import numpy as np
import pyarrow as pa

from tocsin.text import fold_arrays, windows
from tocsin.text.fold_arrays import Flags, Positions
from tocsin.text.packed_table import packed_table
from tocsin.text.windows import Hashes


def _compiled() -> ModuleType | None:
    try:
        from tocsin.text import _kernels
    except ImportError:
        return None
    return _kernels


_C = _compiled()
_AVX2 = bool(_C and _C.has_avx2())


def kernels_in_use() -> Literal["c-avx2", "c", "python"]:
    """Name the kernels in use."""
    if _C is None:
        return "python"
    return "c-avx2" if _AVX2 else "c"


def fold_join(texts: pa.Array) -> tuple[bytes, Positions, Flags]:
    """Fold an Arrow string array into newline-joined lines; see `fold_arrays.fold_join`."""
    if _C is None:
        return fold_arrays.fold_join(texts)
    _, offsets, data = texts.buffers()
    table = packed_table()
    at = np.frombuffer(offsets or bytes(4), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    buffer, starts, flags = _C.fold_join(data or b"", at, table.pages, table.entries, table.pool, _AVX2)
    return buffer, np.frombuffer(starts, dtype=np.int64), np.frombuffer(flags, dtype=np.uint8)


def sample_lines(buffer: bytes, offsets: Positions, kept: int) -> tuple[Positions, Hashes]:
    """Sample the hashes of every line's windows; see `windows.sample_lines`."""
    if _C is None or not kept:
        return windows.sample_lines(buffer, offsets, kept)
    starts, hashes, _ = _C.scan_lines(buffer, offsets, kept, b"", 0, _AVX2)
    return np.frombuffer(starts, dtype=np.int64), np.frombuffer(hashes, dtype=np.uint64)
