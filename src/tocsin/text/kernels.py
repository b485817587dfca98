"""The kernels that this machine runs: compiled where they were built, their references everywhere else.

Both give the same bytes. Whoever folds, sketches or looks up goes through here.
"""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.text import classes, fold_arrays, probe, script, utf8, windows
from tocsin.text.demands import NO_PLACE, Demands
from tocsin.text.fold_arrays import Flags
from tocsin.text.packed_table import packed_table
from tocsin.text.siphash import siphash_slowly
from tocsin.text.windows import Hashes, Lines, Positions


def _compiled() -> ModuleType | None:
    try:
        return import_module("tocsin.text._kernels")
    except ImportError:
        return None


_C = _compiled()
WANT_HASHES, WANT_SUMS = 1, 2  # what may be asked of a line
_AVX2 = bool(_C and _C.has_avx2())
_NO_SUMS = np.empty((0, classes.LANES), dtype=np.int32)
_LANES = 2 if _C and _C.has_avx512() else int(_AVX2)


def kernels_in_use() -> Literal["c-avx512", "c-avx2", "c", "python"]:
    """Name the kernels in use; some of those for AVX-512 are those for AVX2."""
    if _C is None:
        return "python"
    return "c-avx512" if _LANES > 1 else "c-avx2" if _AVX2 else "c"


def fold_join(texts: pa.Array) -> tuple[Lines, Positions, Flags]:
    """Fold an Arrow string array into newline-joined lines; see `fold_arrays.fold_join`."""
    if _C is None:
        return fold_arrays.fold_join(texts)
    data, at = _bytes(texts)
    table = packed_table()
    buffer, starts, flags = _C.fold_join(data, at, table.pages, table.entries, table.pool, _AVX2)
    return buffer, np.frombuffer(starts, dtype=np.int64), np.frombuffer(flags, dtype=np.uint8)


def are_utf8(texts: pa.Array) -> bool:
    """Say whether the strings of an Arrow string array are UTF-8, what lies behind nulls included; see `utf8`."""
    data, at = _bytes(texts)
    return utf8.are_utf8(bytes(data), at) if _C is None else bool(_C.are_utf8(data, at, _AVX2))


def _bytes(texts: pa.Array) -> tuple[bytes | pa.Buffer, NDArray[np.int32]]:
    """Give the bytes of strings, and where each begins and the last ends."""
    _, offsets, data = texts.buffers()
    at = np.frombuffer(offsets or bytes(4), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return data or b"", at


def sample_lines(buffer: Lines, offsets: Positions, kept: int) -> tuple[Positions, Hashes]:
    """Sample the hashes of every line's windows; see `windows.sample_lines`."""
    if _C is None or not kept:
        return windows.sample_lines(buffer, offsets, kept)
    starts, hashes, _ = _C.scan_lines(buffer, offsets, kept, b"", b"", 0, _LANES)
    return np.frombuffer(starts, dtype=np.int64), np.frombuffer(hashes, dtype=np.uint64)


def class_sums(
    buffer: Lines, offsets: Positions, table: NDArray[np.int8], features: int = classes.WORDS | classes.HAN
) -> NDArray[np.int32]:
    """Add up the weights of every line's features; see `classes.class_sums`."""
    if _C is None:
        return classes.class_sums(buffer, offsets, table, features)
    _, _, sums = _C.scan_lines(buffer, offsets, 0, b"", table, features, _LANES)
    return np.frombuffer(sums, dtype=np.int32).reshape(-1, classes.LANES)


def list_rows(buffer: Lines, offsets: Positions, bits: int, features: int) -> tuple[Positions, NDArray[np.uint32]]:
    """List the table rows of every line's features; see `classes.list_rows`."""
    if _C is None:
        return classes.list_rows(buffer, offsets, bits, features)
    starts, rows = _C.list_rows(buffer, offsets, bits, features)
    return np.frombuffer(starts, dtype=np.int64), np.frombuffer(rows, dtype=np.uint32)


def sample_and_sum(
    buffer: Lines, offsets: Positions, asked: NDArray[np.uint8], table: NDArray[np.int8], features: int
) -> tuple[Positions, Hashes, NDArray[np.int32]]:
    """Sample every window of lines and add up their weights in one pass, each where it is asked of the line.

    Gives what `sample_lines` and `class_sums` give; a line of which nobody has asked WANT_HASHES has none, one of which
    nobody has asked WANT_SUMS has zeros.
    """
    if _C is None:
        sums = classes.class_sums(buffer, offsets, table, features) if len(table) else _NO_SUMS
        sums[asked[: len(sums)] & WANT_SUMS == 0] = 0
        return (*windows.sample_lines(buffer, offsets, -1, asked & WANT_HASHES > 0), sums)
    starts, hashes, raw = _C.scan_lines(buffer, offsets, -1, asked, table, features, _LANES)
    sums = np.frombuffer(raw, dtype=np.int32).reshape(-1, classes.LANES)
    return np.frombuffer(starts, dtype=np.int64), np.frombuffer(hashes, dtype=np.uint64), sums


def count_scripts(buffer: Lines, offsets: Positions) -> tuple[script.Counts, script.Counts]:
    """Count the Han characters and the characters of lines; see `script.count_scripts`."""
    if _C is None:
        return script.count_scripts(buffer, offsets)
    han, chars = _C.count_scripts(buffer, np.ascontiguousarray(offsets), _AVX2)
    return np.frombuffer(han, dtype=np.int32), np.frombuffer(chars, dtype=np.int32)


def siphash(keys: Sequence[bytes], words: Hashes) -> NDArray[np.uint64]:
    """Give SipHash-2-4 of every word, as its 8 little-endian bytes, under every key of 16 bytes. Shape: keys, words."""
    if any(len(key) != 16 for key in keys):
        raise ValueError("a key has not 16 bytes")
    if _C is None:
        rows = [[siphash_slowly(key, word.tobytes()) for word in words.astype("<u8")] for key in keys]
        return np.array(rows, dtype=np.uint64).reshape(len(keys), len(words))
    raw = _C.siphash(b"".join(keys), np.ascontiguousarray(words), _LANES)
    return np.frombuffer(raw, dtype=np.uint64).reshape(len(keys), len(words))


def probe_vote(table: probe.AlarmTable, hashes: Hashes, offsets: Positions, most: int) -> NDArray[np.uint64]:
    """Count the votes of every line's hashes for alarms; see `probe.probe_vote`."""
    if _C is None:
        return probe.probe_vote(table, hashes, offsets, most)
    raw = _C.probe_vote(*table.arrays, hashes, offsets, most, _LANES)
    return np.frombuffer(raw, dtype=np.uint64).reshape(-1, 3)


def count_posted(postings: NDArray[np.uint32], alarms: int) -> NDArray[np.uint8]:
    """Count how often each of so many alarms stands among postings, to 255."""
    if _C is None:
        return np.minimum(np.bincount(postings, minlength=alarms), 255).astype(np.uint8)
    return np.frombuffer(_C.count_posted(postings, alarms), dtype=np.uint8)


def keep_demands(demands: Demands) -> object:
    """Check demands once for many calls of `meet_demands`; only where kernels are compiled."""
    if _C is None:
        raise NotImplementedError("no kernels are compiled here")
    return _C.keep_demands(demands.arrays)


def meet_demands(buffer: Lines, offsets: Positions, columns: NDArray[np.uint8], kept: object) -> NDArray[np.int64]:
    """Name the lines and the demands that they meet, as `demands.meet_slowly` does; only where kernels are compiled.

    Shape: rows of (line, demand, start, end), ascending; `kept` is what `keep_demands` gave.
    """
    if _C is None:
        raise NotImplementedError("no kernels are compiled here")
    raw = np.frombuffer(_C.meet_kept(buffer, offsets, columns, kept, _LANES), dtype="<u4").reshape(-1, 4)
    order = np.lexsort((raw[:, 0], raw[:, 1]))
    met = raw[order][:, [1, 0, 3, 2]].astype(np.int64)
    met[:, 2:][met[:, 2:] == NO_PLACE] = -1
    return met


def original_spans(texts: pa.Array, asked: NDArray[np.int64]) -> NDArray[np.int64]:
    """Map spans of folded texts to code points of the originals; only where kernels are compiled.

    Shape: rows of (text, start, end) in, of (start, end) out. Units: characters of the folded text, at least one.
    Errors: ValueError for a span that the text has not.
    """
    if _C is None:
        raise NotImplementedError("no kernels are compiled here")
    _, offsets, data = texts.buffers()
    table = packed_table()
    at = np.frombuffer(offsets or bytes(4), dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    wanted = np.ascontiguousarray(asked, dtype=np.int64)
    raw = _C.original_spans(data or b"", at, table.pages, table.entries, table.pool, wanted)
    return np.frombuffer(raw, dtype=np.int64).reshape(-1, 2)


def densest_stretches(arrays: tuple[Any, ...], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find where lines hold most of alarms' windows; see `stretch.densest`. Only where kernels are compiled."""
    if _C is None:
        raise NotImplementedError("no kernels are compiled here")
    raw = _C.densest_stretches(*arrays, np.ascontiguousarray(pairs, dtype=np.int64))
    return np.frombuffer(raw, dtype=np.int64).reshape(-1, 3)
