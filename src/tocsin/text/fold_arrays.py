"""Fold a batch by array passes: the reference of the fold kernel, and its stand-in where no kernel was built."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.text.derive import BASE64, SPACED, base64_rows, spaced_rows
from tocsin.text.packed_table import changed, looks_alike
from tocsin.text.table import FoldTable, fold_table
from tocsin.text.windows import Lines, Positions

NEWLINE, SPACE = 10, 32
ASCII, REMOVED, ALIKE = 1, 2, 4  # flags of a row, beside BASE64 and SPACED

Codes = NDArray[np.uint32]
Flags = NDArray[np.uint8]


def fold_join(texts: pa.Array) -> tuple[Lines, Positions, Flags]:
    """Fold an Arrow string array into newline-joined lines.

    Shape: the buffer, its len + 1 line offsets, and a byte of flags a text: `ASCII` throughout; something `REMOVED`;
    a look-alike (`ALIKE`) became plain letters; `BASE64` that is worth decoding; `SPACED` letters worth closing up.
    """
    codes, ends = _codes(texts)
    folded = _encode(_squeeze(*_substitute(codes, ends, fold_table())))
    offsets = line_offsets(folded)
    flags = _kinds(codes, ends)
    flags[base64_rows(texts)] |= BASE64
    flags[spaced_rows(folded, offsets)] |= SPACED
    return folded, offsets, flags


def expand(codes: Codes, lengths: NDArray[np.uint8], table: FoldTable) -> Codes:
    """Put what each code point folds to in its place."""
    first = table.code[codes]
    out = np.repeat(first, lengths)
    many = np.flatnonzero(lengths > 1)
    if len(many):
        at = np.cumsum(lengths, dtype=np.int64)[many] - lengths[many]
        for step in range(int(lengths[many].max())):
            reach = lengths[many] > step
            out[at[reach] + step] = table.pool[first[many[reach]] + step]
    return out


def line_offsets(buffer: Lines) -> Positions:
    """Find where every line of a buffer begins, and where the last one ends."""
    ends = np.flatnonzero(np.frombuffer(buffer, dtype=np.uint8) == NEWLINE)
    return np.concatenate([np.zeros(1, dtype=np.int64), ends + 1])


def _kinds(codes: Codes, ends: Positions) -> Flags:
    if not len(ends):
        return np.zeros(0, dtype=np.uint8)
    told = _told_by_code()[codes]
    told[ends] = 0
    starts = np.concatenate([[0], ends[:-1] + 1])
    gathered: Flags = np.bitwise_or.reduceat(told, starts)
    return gathered ^ np.uint8(ASCII)


@cache
def _told_by_code() -> Flags:
    """Say what a code point tells of its row; the bit of `ASCII` is set for what is not."""
    table = fold_table()
    told = np.where(table.length == 0, REMOVED, 0).astype(np.uint8)
    told[0x80:] |= ASCII
    told[[c for c, folded in changed().items() if looks_alike(c, folded)]] |= ALIKE
    return told


def _codes(texts: pa.Array) -> tuple[Codes, Positions]:
    # The text ends are counted in code points, because texts may hold newlines of their own.
    ends = np.cumsum(pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64) + 1) - 1
    joined = pc.binary_join_element_wise(texts, "", "\n") if len(texts) else texts
    raw = b"".join(memoryview(b) for b in [_data(joined)] if b is not None)
    return np.frombuffer(raw.decode().encode("utf-32-le"), dtype=np.uint32), ends


def _data(strings: pa.Array) -> memoryview | None:
    _, offsets, data = strings.buffers()
    if data is None:
        return None
    at = np.frombuffer(offsets, dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return memoryview(data)[at[0] : at[-1]]


def _substitute(codes: Codes, ends: Positions, table: FoldTable) -> tuple[Codes, Positions]:
    lengths = table.length[codes]
    lengths[ends] = 1
    if lengths.min(initial=1) == 1 == lengths.max(initial=1):
        out, out_ends = table.code[codes], ends
    else:
        out = expand(codes, lengths, table)
        out_ends = np.cumsum(lengths, dtype=np.int64)[ends] - 1
    out[out_ends] = NEWLINE
    return out, out_ends


def _squeeze(codes: Codes, ends: Positions) -> Codes:
    blank = codes == SPACE
    twice = blank[1:] & blank[:-1]
    if not twice.any():
        return codes
    keep = np.ones(len(codes), dtype=bool)
    keep[1:] = ~twice
    return codes[keep]


def _encode(codes: Codes) -> bytes:
    return codes.tobytes().decode("utf-32-le").encode()
