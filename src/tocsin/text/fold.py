"""Fold text against evasion: one line of plain matching bytes a text, with a map back to the original's code points.

The fold is a map of single code points (compatibility forms, case, accents, invisible characters, look-alike
letters, traditional to simplified Chinese) followed by one rule of context: every run of white space is one space.
Because no other context counts, a whole batch folds in one pass, and any cut of the stream folds alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from tocsin.text.derive import Derived, derive
from tocsin.text.fold_arrays import SPACE, Flags, expand
from tocsin.text.kernels import fold_join, kernels_in_use, original_spans
from tocsin.text.table import fold_table
from tocsin.text.windows import Lines, Positions


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
    buffer: Lines
    offsets: Positions
    derived: tuple[Derived, ...]
    flags: Flags  # of the texts, see `fold_arrays.fold_join`

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
        return self.original(line).span(start, end)

    def rows(self, lines: Positions) -> Positions:
        """Name the texts that lines came from."""
        of_derived = np.array([d.row for d in self.derived], dtype=np.int64)
        return np.concatenate([np.arange(len(self.texts)), of_derived])[lines]

    def spans(self, asked: Positions) -> Positions:
        """Map many spans as `span` does. Shape: rows of (line, start, end) in, of (start, end) out."""
        main = (asked[:, 0] < len(self.texts)) & (kernels_in_use() != "python")
        spans = np.empty((len(asked), 2), dtype=np.int64)
        spans[main] = original_spans(self.texts, asked[main]) if main.any() else 0
        for place in np.flatnonzero(~main).tolist():
            spans[place] = self.span(*asked[place].tolist())
        return spans

    def original(self, line: int) -> FoldedText | Derived:
        """Give what maps spans of a line to the original text; worth keeping where a line has several."""
        first = len(self.texts)
        return fold_text(self.texts[line].as_py()) if line < first else self.derived[line - first]

    @cached_property
    def lines_at(self) -> Positions:
        """Give the end of every line, for mapping a byte position to its line."""
        return self.offsets[1:]


def fold_batch(texts: pa.Array) -> Folded:
    """Fold an Arrow string array into lines, derived lines included.

    Errors: none; every Arrow string folds.
    """
    buffer, offsets, flags = fold_join(texts)
    derived = derive(texts, flags, fold_text)
    if derived:
        more = [d.text.encode() + b"\n" for d in derived]
        offsets = np.concatenate([offsets, offsets[-1] + np.cumsum([len(line) for line in more])])
        buffer += b"".join(more)
    return Folded(texts, buffer, offsets, derived, flags)


def fold_text(text: str) -> FoldedText:
    """Fold one text and keep where each folded character came from."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    table = fold_table()
    lengths = table.length[codes]
    out, origin = expand(codes, lengths, table), np.repeat(np.arange(len(codes)), lengths)
    keep = ~((out == SPACE) & (np.roll(out, 1) == SPACE))
    keep[:1] = True
    return FoldedText(out[keep].tobytes().decode("utf-32-le", "surrogatepass"), origin[keep])


def fold_slowly(text: str) -> str:
    """Fold one text character by character: the reference that the fast fold must equal."""
    folded = "".join(map(fold_table().of, text))
    while "  " in folded:
        folded = folded.replace("  ", " ")
    return folded
