"""Search folded lines for a pattern: RE2 finds what it reads as `re` does, and elsewhere where `re` need begin."""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.util import find_spec
from typing import Any
from weakref import WeakValueDictionary

Span = tuple[int, int]
Quick = Callable[[bytes, int, int], list[Span]]  # the first span in a stretch of bytes, as RE2 tells it
_RE2_BYTES = 1 << 22
_NOWHERE = [(-1, -1)]
_SHORT = 200  # bytes, which `re` alone is done with as soon
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
_PIECE = re.compile(r"\(\?(?:<?[=!]|:)|\[\^?\]?(?:[^\]\\]|\\.)*\]|\\.|.", re.DOTALL)

# What RE2 and `re` read alike on lines without line ends and vertical tabs: a folded one has neither. RE2 knows no
# {,n}, and `re` no [:name:].
_SIGN = r"\\[dDwWsS !-/:-@\[-`{-~]"
_ONE = rf"(?:{_SIGN}|\[\^?\]?(?:{_SIGN}|(?!\[:)[^\]\\])*\]|\{{(?![\d,]*\}})|[^\\\[(){{|?*+^$])"
_MORE = r"[?*+{]"
_TIMES = rf"(?:(?:[?*+]|\{{\d+(?:,\d*)?\}})\??(?!{_MORE}))"
_OFTEN = rf"(?:{_TIMES}|(?!{_MORE}))"
_RUN = rf"(?:{_ONE}{_OFTEN}|\\b(?!{_MORE}))"
_ARM = rf"{_ONE}(?![?*]|\{{0){_OFTEN}{_RUN}*+"  # it cannot be empty
_STEADY = rf"\(\?:{_ARM}(?:\|{_ARM})*+\){_TIMES}"
# Of a repeated group that can be empty the two try the rounds in another order.
_SAME = re.compile(rf"(?:{_STEADY}|{_RUN}|\^(?!{_MORE})|\||\(\?:|\)(?:\?\??)?(?!{_MORE}))*+")
_KNOWN = re.compile(rf"(?:{_RUN}|[\^$](?!{_MORE})|\||\(\?:|\){_OFTEN})*+")


class Line:
    """Hold a folded line as bytes for RE2 and as text for `re`, which alone reads it where RE2 is held against it.

    In a `loose` line blanks between words were lost.
    """

    def __init__(self, raw: bytes, loose: bool = False, *, by_re: bool = False) -> None:
        self.raw, self.loose, self.by_re, self._plain = raw, loose, by_re, raw.isascii()
        self._first: dict[Quick, Span | None] = {}

    @cached_property
    def text(self) -> str:
        """The line's characters."""
        return self.raw.decode()

    def first(self, quick: Quick, start: int = 0) -> Span | None:
        """Find the first span of a quick pattern from a place on, in characters; the very first is found once."""
        if start:
            return self._found(quick, start)
        if quick not in self._first:
            self._first[quick] = self._found(quick, 0)
        return self._first[quick]

    def _found(self, quick: Quick, start: int) -> Span | None:
        begin = start if self._plain else len(self.text[:start].encode())
        low, high = span = quick(self.raw, begin, len(self.raw))[0]
        if low < 0:
            return None
        if self._plain:
            return span
        at = start + len(self.raw[begin:low].decode())
        return at, at + len(self.raw[low:high].decode())


@dataclass(frozen=True, eq=False)
class Reading:
    """Read a pattern as `re` does, with ASCII classes; it is compiled when first asked."""

    pattern: str

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Reading":
        """Read any of several patterns; rules that share them share what was compiled, and found in a line."""
        pattern = "|".join(patterns)
        return _in_use.setdefault(pattern, cls(pattern))

    @cached_property
    def meaning(self) -> re.Pattern[str]:
        """The meaning."""
        return re.compile(self.pattern, re.ASCII)

    @cached_property
    def quick(self) -> Quick | None:
        """What is quickly found wherever the pattern matches, and elsewhere too."""
        return widened(self.pattern)

    @cached_property
    def same(self) -> bool:
        """Say whether the quick pattern finds the same spans, and no empty one."""
        return self.quick is not None and reads_alike(self.pattern) and self.quick(b"", 0, 0) == _NOWHERE

    def soonest(self, line: Line) -> int | None:
        """Say where the first span can begin, None where there is none."""
        if line.by_re or self.quick is None:
            return 0
        span = line.first(self.quick)
        return span and span[0]

    def first(self, line: Line, start: int = 0) -> Span | None:
        """Find the first span from a place on."""
        if self.quick and not line.by_re:
            span = line.first(self.quick, start)
            if span is None or self.same:
                return span
            start = span[0]
        found = self.meaning.search(line.text, start)
        return found.span() if found else None

    def spans(self, line: Line) -> Iterator[Span]:
        """Find the spans one behind another, as `finditer` does; none of a checked pattern is empty."""
        if line.by_re or (not self.same and (line.loose or len(line.raw) <= _SHORT)):
            yield from (found.span() for found in self.meaning.finditer(line.text))
            return
        at = 0
        while (span := self.first(line, at)) and span[1] > at:
            yield span
            at = span[1]


_in_use: WeakValueDictionary[str, Reading] = WeakValueDictionary()  # a cache: what no rule holds leaves it


def reads_alike(pattern: str) -> bool:
    """Say whether RE2 surely finds the spans that `re` does, empty ones aside."""
    return _SAME.fullmatch(pattern) is not None


def widened(pattern: str) -> Quick | None:
    """Build with RE2, over bytes, what matches wherever a pattern does, from the same place; None where there is no
    RE2, or it might read the pattern otherwise.

    RE2 reads the pattern without its look-arounds, which only widens what it matches. It is several times faster
    than `re` on lines that do not match, or late, and it spares `re` the texts that are made to be read in very many
    ways.
    """
    wide = _widen(pattern) if any(look in pattern for look in _LOOKS) else pattern
    if (engine := _re2()) is None or not _KNOWN.fullmatch(wide):
        return None
    options = engine.Options()
    options.log_errors = False
    options.max_mem = _RE2_BYTES
    pattern_read = engine(wide.encode(), options)
    return partial(pattern_read.Match, engine.Anchor.UNANCHORED) if pattern_read.ok() else None


@cache
def _re2() -> Any:
    """RE2 itself: what the package wraps round it takes longer than a search."""
    return importlib.import_module("re2._re2").RE2 if find_spec("re2") else None


def _widen(pattern: str) -> str:
    """Leave out look-arounds."""
    kept, depth, outside = [], 0, -1
    for token in _PIECE.findall(pattern):
        depth += token.startswith("(")
        if token in _LOOKS and outside < 0:
            outside = depth
        if outside < 0:
            kept.append(token)
        if token == ")":
            outside = -1 if depth == outside else outside
            depth -= 1
    return "".join(kept)
