"""Lines derived from a text that hides another: spaced-out letters closed up, base64 decoded."""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import compress
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.text.windows import Lines

BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
BASE64_MIN = 24
SEPARATORS = frozenset(" .-_*|/,'~+\u00b7\u2022\u3001\u3002")
SEPARATOR = f"[{re.escape(''.join(sorted(SEPARATORS)))}]{{1,3}}"
LETTER = r"(?:[a-z0-9]|[\u3400-\u9fff])"
GAP = re.compile(SEPARATOR)
SPACED_RUN = re.compile(f"(?<![a-z0-9\u3400-\u9fff])(?:{LETTER}{SEPARATOR}){{4,}}{LETTER}(?![a-z0-9\u3400-\u9fff])")
PRINTABLE_SHARE = 0.9
BASE64, SPACED = 8, 16  # flags of a row


class Origin(Protocol):
    """Any folded text with a map back to its source."""

    @property
    def text(self) -> str:
        """The folded text."""
        ...

    @property
    def origin(self) -> NDArray[np.int64]:
        """The source code point of each character."""
        ...


@dataclass(frozen=True, slots=True)
class Derived:
    """Hold one derived line of text `row`; `starts` and `ends` map its characters to code points of the original."""

    row: int
    spaced: bool  # closed up from spaced-out letters: blanks between words may be lost
    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of the line to code points of the original text."""
        return int(self.starts[start]), int(self.ends[end - 1])


FoldText = Callable[[str], Origin]


def derive(texts: pa.Array, flags: NDArray[np.uint8], fold: FoldText) -> tuple[Derived, ...]:
    """Derive the lines of the texts whose flags say that they may hide another."""
    spaced = (d for row in _flagged(flags, SPACED) for d in close_up(row, texts[row].as_py(), fold))
    coded = (d for row in _flagged(flags, BASE64) for d in decode_base64(row, texts[row].as_py(), fold))
    return (*spaced, *coded)


def _flagged(flags: NDArray[np.uint8], flag: int) -> list[int]:
    return np.flatnonzero(flags & flag).tolist()


def close_up(row: int, text: str, fold: FoldText) -> Iterator[Derived]:
    """Close up runs of five or more single letters or characters that separators keep apart.

    Where one separator keeps the letters apart and others stand beside it in some gaps only, those may be blanks and
    commas of the text: then one more line, before the other, keeps them.
    """
    folded = fold(text)
    keep, beside = np.ones(len(folded.text), dtype=bool), list[int]()
    for run in SPACED_RUN.finditer(folded.text):
        keep[run.start() : run.end()] = [c not in SEPARATORS for c in run.group()]
        beside += _beside(run)
    if keep.all():
        return
    if beside:
        words = keep.copy()
        words[beside] = True
        yield _kept(row, folded, words)
    yield _kept(row, folded, keep)


def _beside(run: re.Match[str]) -> list[int]:
    """Name what stands in the gaps of a run besides its commonest separator, unless every gap has more than that."""
    gaps = list(GAP.finditer(run.group()))
    usual = Counter(c for gap in gaps for c in gap.group()).most_common(1)[0][0]
    others = [[at for at in range(*gap.span()) if run.group()[at] != usual] for gap in gaps]
    return [run.start() + at for gap in others for at in gap] if not all(others) else []


def _kept(row: int, folded: Origin, keep: NDArray[np.bool_]) -> Derived:
    starts = folded.origin[keep]
    return Derived(row, True, "".join(compress(folded.text, keep.tolist())), starts, starts + 1)


def decode_base64(row: int, text: str, fold: FoldText) -> Iterator[Derived]:
    """Decode each base64 run that holds readable UTF-8 text and fold it."""
    for run in BASE64_RUN.finditer(text):
        plain = _readable(run.group())
        if not plain:
            continue
        folded = fold(plain)
        places = run.start() + np.flatnonzero(_IN_BASE64[np.frombuffer(run.group().encode(), np.uint8)])
        raw = np.frombuffer(plain.encode(), np.uint8)
        starts = np.flatnonzero((raw & 0xC0) != 0x80)  # of characters
        ends = np.append(starts[1:], len(raw))
        first = np.minimum(starts * 4 // 3, len(places) - 1)
        last = np.minimum((ends * 4 + 2) // 3 - 1, len(places) - 1)
        yield Derived(row, False, folded.text, places[first][folded.origin], places[last][folded.origin] + 1)


def _readable(run: str) -> str | None:
    bare = re.sub(r"[\r\n=]", "", run).replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - (len(bare) % 4 == 1)]
    try:
        plain = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    good = len(plain) if plain.isprintable() else sum(c.isprintable() or c.isspace() for c in plain)
    return plain if good >= PRINTABLE_SHARE * len(plain) else None


def spaced_rows(folded: Lines, offsets: NDArray[np.int64]) -> list[int]:
    """Name the lines that hold spaced-out letters; array passes over the whole batch rule most lines out first."""
    lines = ((row, folded[offsets[row] : offsets[row + 1]].decode()) for row in _spaced_candidates(folded, offsets))
    return [row for row, line in lines if SPACED_RUN.search(line)]


def _spaced_candidates(folded: Lines, offsets: NDArray[np.int64]) -> list[int]:
    raw = np.frombuffer(folded, dtype=np.uint8)
    starts = _letters(raw)
    if len(starts) < 5:
        return []
    # A letter is single when separators stand on both sides.
    lengths = np.where(raw[starts] < 0x80, 1, 3)
    gaps = starts[1:] - (starts[:-1] + lengths[:-1])
    apart = (gaps >= 1) & (gaps <= 9)
    four = apart[:-3] & apart[1:-2] & apart[2:-1] & apart[3:]
    rows = np.searchsorted(offsets, starts[:-4][four], side="right") - 1
    return [int(row) for row in np.unique(rows)]


def _letters(raw: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Say where a letter or Chinese character starts; the last byte is always a newline."""
    starts: NDArray[np.int64] = np.flatnonzero(_STARTS_LETTER[raw])
    signs = (raw[starts] == 0xE3) & (raw[starts + 1] < 0x90)  # U+3000 to U+33FF, 、 and 。 among them
    letters: NDArray[np.int64] = starts[~signs]
    return letters


_STARTS_LETTER = np.zeros(256, dtype=bool)
_STARTS_LETTER[[*range(0x30, 0x3A), *range(0x61, 0x7B), *range(0xE3, 0xEA)]] = True


def base64_rows(texts: pa.Array) -> NDArray[np.int64]:
    """Name the texts with a long run of the base64 alphabet; `decode_base64` decides."""
    _, offset_buffer, data = texts.buffers()
    if data is None or not len(texts):
        return np.empty(0, dtype=np.int64)
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]
    if not len(raw):
        return np.empty(0, dtype=np.int64)
    ends_run = ~_IN_BASE64[raw]
    ends_run[offsets[1:] - offsets[0] - 1] = True  # a run ends with its text, whatever the next one begins with
    last = np.flatnonzero(ends_run)
    first = np.concatenate([[0], last[:-1] + 1])
    starts = first[last - first + _IN_BASE64[raw[last]] >= BASE64_MIN]
    return np.unique(np.searchsorted(offsets - offsets[0], starts, side="right") - 1)


_IN_BASE64 = np.zeros(256, dtype=bool)
_IN_BASE64[[*b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"]] = True
