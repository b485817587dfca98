"""Fold text against evasion: one line of plain matching bytes a text, with a map back to the original's code points.

The fold is a map of single code points (compatibility forms, case, accents, invisible characters, look-alike
letters, traditional to simplified Chinese) followed by one rule of context: every run of white space is one space.
Because no other context counts, a whole batch folds in a few array passes, and any cut of the stream folds alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.text.derive import Derived, derive
from tocsin.text.table import FoldTable, fold_table

NEWLINE, SPACE = 10, 32
Codes = NDArray[np.uint32]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoldedText:
    """Hold one folded text; `origin[i]` is the code point of the original that folded character i came from."""

    text: str
    origin: Positions

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of the folded text to code points of the original."""
        return int(self.origin[start]), int(self.origin[end - 1]) + 1


@dataclass(frozen=True)
class Folded:
    """Hold a batch of folded texts as newline-joined UTF-8.

    Shape: line i is `buffer[offsets[i]:offsets[i + 1] - 1]`; the first `len(texts)` lines are the texts in order,
    the rest are lines derived from them (spaced-out letters closed up, base64 decoded), `derived[i - len(texts)]`.
    """

    texts: pa.Array
    buffer: bytes
    offsets: Positions
    derived: tuple[Derived, ...]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, line: int) -> int:
        """Name the text that a line came from."""
        return line if line < len(self.texts) else self.derived[line - len(self.texts)].row

    def line(self, line: int) -> str:
        """Decode one line."""
        return self.buffer[self.offsets[line] : self.offsets[line + 1] - 1].decode()

    def span(self, line: int, start: int, end: int) -> tuple[int, int]:
        """Map a span of a line, in characters, to code points of the original text."""
        if line < len(self.texts):
            return fold_text(self.texts[line].as_py()).span(start, end)
        return self.derived[line - len(self.texts)].span(start, end)

    @cached_property
    def lines_at(self) -> Positions:
        """Give the end of every line, for mapping a byte position to its line."""
        return self.offsets[1:]


def fold_batch(texts: pa.Array) -> Folded:
    """Fold an Arrow string array into lines, derived lines included.

    Errors: none; every Arrow string folds.
    """
    codes, ends = _codes(texts)
    folded = _encode(_squeeze(*_substitute(codes, ends, fold_table())))
    derived = derive(texts, folded, _line_offsets(folded), fold_text)
    joined = folded + b"".join(d.text.encode() + b"\n" for d in derived)
    return Folded(texts, joined, _line_offsets(joined), derived)


def fold_text(text: str) -> FoldedText:
    """Fold one text and keep where each folded character came from."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    table = fold_table()
    lengths = table.length[codes]
    out, origin = _expand(codes, lengths, table), np.repeat(np.arange(len(codes)), lengths)
    keep = ~((out == SPACE) & (np.roll(out, 1) == SPACE))
    keep[:1] = True
    return FoldedText(out[keep].tobytes().decode("utf-32-le", "surrogatepass"), origin[keep])


def fold_slowly(text: str) -> str:
    """Fold one text character by character: the reference that the fast fold must equal."""
    folded = "".join(map(fold_table().of, text))
    while "  " in folded:
        folded = folded.replace("  ", " ")
    return folded


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
        out = _expand(codes, lengths, table)
        out_ends = np.cumsum(lengths, dtype=np.int64)[ends] - 1
    out[out_ends] = NEWLINE
    return out, out_ends


def _expand(codes: Codes, lengths: NDArray[np.uint8], table: FoldTable) -> Codes:
    first = table.code[codes]
    out = np.repeat(first, lengths)
    many = np.flatnonzero(lengths > 1)
    if len(many):
        at = np.cumsum(lengths, dtype=np.int64)[many] - lengths[many]
        for step in range(int(lengths[many].max())):
            reach = lengths[many] > step
            out[at[reach] + step] = table.pool[first[many[reach]] + step]
    return out


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


def _line_offsets(buffer: bytes) -> Positions:
    ends = np.flatnonzero(np.frombuffer(buffer, dtype=np.uint8) == NEWLINE)
    return np.concatenate([np.zeros(1, dtype=np.int64), ends + 1])
