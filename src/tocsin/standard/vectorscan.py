"""Look for demands with Vectorscan, where no kernels are compiled: one scan of a batch names what may be met."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.standard.cache import keep
from tocsin.standard.factors import scan_expression
from tocsin.standard.reading import Line, widened
from tocsin.text import BOUNDARY, Demand, Lines

_FEW = 12  # literals that are looked for one by one faster than all at once
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Database:
    """Hold the scanner's database of the literals of every demand's first set.

    Shape: literal n is in the first sets of the demands `begins[n]`; demand d also needs one literal of each set
    numbered in `also[d]`, which `lacks[s]` says of a line. How near the literals stand is not asked.
    """

    scanner: Any
    begins: "_Lists"
    also: tuple[tuple[int, ...], ...]
    lacks: "tuple[_Lacks, ...]"
    ears: NDArray[np.uint8]
    _turn: Lock = field(default_factory=Lock, repr=False, compare=False)  # the scanner has one scratch space

    @classmethod
    def of(cls, demands: Sequence[Demand], cache: Path | None) -> "Database":
        """Compile the demands, or load the database that was kept."""
        names = sorted({literal for demand in demands for literal in demand.sets[0]})
        number_of = {name: n for n, name in enumerate(names)}
        pairs = [(number_of[literal], n) for n, demand in enumerate(demands) for literal in demand.sets[0]]
        number: dict[tuple[str, ...], int] = {}
        also = tuple(tuple(number.setdefault(s, len(number)) for s in demand.sets[1:]) for demand in demands)
        begins = _Lists.of((f for f, _ in pairs), (n for _, n in pairs), len(names))
        ears = np.array([demand.ears for demand in demands], dtype=np.uint8)
        return cls(_compiled(names, cache), begins, also, tuple(map(_Lacks, number)), ears)

    def meet(self, buffer: Lines, offsets: Ints, columns: NDArray[np.uint8]) -> Ints:
        """Name the lines and the demands that they may meet. Shape: rows of (line, demand, -1, -1), ascending."""
        literals, ends = self._hits(buffer)
        lines, begun = self.begins.expand(np.searchsorted(offsets, ends, side="left") - 1, literals)
        heard = (self.ears[begun] >> columns[lines] & 1).astype(bool)
        width = len(self.also) + 1
        pairs = np.array([divmod(n, width) for n in _distinct(lines[heard] * width + begun[heard]).tolist()])
        texts: dict[int, _Line] = {}
        met = [
            not any(map(texts.setdefault(line, _Line(buffer, offsets, line, self.lacks)).lacks, self.also[demand]))
            for line, demand in pairs.tolist()
        ]
        found = pairs[met] if met else np.empty((0, 2), dtype=np.int64)
        return np.concatenate([found, np.full_like(found, -1)], axis=1)

    def _hits(self, buffer: Lines) -> tuple[Ints, Ints]:
        literals: list[int] = []
        ends: list[int] = []

        def on_match(literal: int, _start: int, end: int, _flags: int, _context: object) -> None:
            literals.append(literal)
            ends.append(end)

        if self.scanner is not None:
            with self._turn:
                self.scanner.scan(buffer, match_event_handler=on_match)
        return np.array(literals, dtype=np.int64), np.array(ends, dtype=np.int64)


class _Line:
    """Remember of one line which sets it lacks."""

    def __init__(self, buffer: Lines, offsets: Ints, line: int, tests: "Sequence[_Lacks]") -> None:
        self._place = buffer, int(offsets[line]), int(offsets[line + 1]) - 1
        self._tests = tests
        self._known: dict[int, bool] = {}

    def lacks(self, number: int) -> bool:
        """Say whether the line lacks a set."""
        if number not in self._known:
            self._known[number] = self._tests[number](self._text)
        return self._known[number]

    @cached_property
    def _text(self) -> str:
        buffer, start, end = self._place
        return buffer[start:end].decode()


@dataclass(frozen=True)
class _Lists:
    """Hold a list of numbers for each of a range of keys, end to end: key k has `items[starts[k]:starts[k + 1]]`."""

    starts: Ints
    items: Ints

    @classmethod
    def of(cls, keys: Iterable[int], items: Iterable[int], count: int) -> "_Lists":
        key = np.array(list(keys), dtype=np.int64)
        order = np.argsort(key, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=count))])
        return cls(starts.astype(np.int64), np.array(list(items), dtype=np.int64)[order])

    def expand(self, beside: Ints, keys: Ints) -> tuple[Ints, Ints]:
        """Replace every key by its items, and repeat what stands beside it as often."""
        width = self.starts[keys + 1] - self.starts[keys]
        first = np.repeat(self.starts[keys] - (np.cumsum(width) - width), width)
        return np.repeat(beside, width), self.items[first + np.arange(len(first))]


@dataclass(frozen=True)
class _Lacks:
    """Say of a line that it holds none of the literals; built when it is first asked."""

    literals: tuple[str, ...]

    @cached_property
    def test(self) -> Callable[[str], bool]:
        """The quicker way for so many literals."""
        literals = sorted({literal.replace(BOUNDARY, "") for literal in self.literals})
        quick = widened("|".join(map(re.escape, literals))) if len(literals) > _FEW else None
        if quick is None:
            return lambda line: not _holds_any(line, literals)
        return lambda line: Line(line.encode()).first(quick) is None

    def __call__(self, line: str) -> bool:
        return self.test(line)


def _holds_any(line: str, literals: Sequence[str]) -> bool:
    for literal in literals:  # noqa: SIM110  (a generator costs more than the search)
        if literal in line:
            return True
    return False


def _distinct(numbers: Ints) -> Ints:
    # Several times faster than np.unique, which hashes.
    ordered = np.sort(numbers)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _compiled(patterns: Sequence[str], cache: Path | None) -> Any:
    import hyperscan

    if not patterns:
        return None
    file = cache / f"{_database_name(patterns, version('hyperscan'))}.hs" if cache else None
    if file and (database := _loaded(file)) is not None:
        return database
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = [0] * len(patterns)
    database.compile(expressions=[scan_expression(p) for p in patterns], ids=list(range(len(patterns))), flags=flags)
    if file:
        keep(file, hyperscan.dumpb(database))
    return database


def _database_name(patterns: Sequence[str], version: str) -> str:
    return blake2b("\n".join([version, *patterns]).encode(), digest_size=16).hexdigest()


def _loaded(file: Path) -> Any:
    import hyperscan

    try:
        database = hyperscan.loadb(file.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except (OSError, hyperscan.error):  # absent, or made on another processor: compile anew
        return None
    return database
