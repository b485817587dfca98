"""Sieve folded batches: name the lines that a rule's alternative may match, by what its patterns demand of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.forms import ROLES
from tocsin.standard.cache import engine_mark, keep
from tocsin.standard.load import Standard
from tocsin.standard.match import demands
from tocsin.standard.vectorscan import Database
from tocsin.text import Demand, Demands, Folded, Lines, kernels_in_use, meet_demands, pack_demands

Ints = NDArray[np.int64]
Columns = NDArray[np.uint8]
Candidate = tuple[int, int, Sequence[int]]  # a line, a rule's number, and which of its alternatives may match there
Roles = Sequence[str] | None  # the role of each row; None: every rule may speak of every row
Place = tuple[int, int]  # a rule and one of its alternatives
ScannerName = Literal["kernels", "vectorscan", "re"]
_ANYBODY, _NOBODY = len(ROLES), len(ROLES) + 1  # the columns of lines that all rules, or none, may speak of


def scanner_name() -> ScannerName:
    """Name the scanner in use: `re` on a platform that has neither compiled kernels nor a wheel of Vectorscan."""
    if kernels_in_use() != "python":
        return "kernels"
    return "vectorscan" if find_spec("hyperscan") else "re"


class _Finder(Protocol):
    def meet(self, buffer: Lines, offsets: Ints, columns: Columns) -> Ints: ...


@dataclass(frozen=True)
class _Kernel:
    demands: Demands

    def meet(self, buffer: Lines, offsets: Ints, columns: Columns) -> Ints:
        return meet_demands(buffer, offsets, columns, self.demands)


@dataclass(frozen=True)
class _Half:
    """Hold the demands for one sort of lines; demand d is made by the rule and alternative `places[d]`."""

    finder: _Finder
    places: Sequence[Place]

    def sift(self, buffer: Lines, offsets: Ints, columns: Columns) -> Iterator[Candidate]:
        """Name the rules' alternatives of which a line meets a demand, by line, then by rule."""
        pairs = self.finder.meet(buffer, offsets, columns).tolist()
        met = sorted({(line, *self.places[demand]) for line, demand in pairs})
        for (line, rule), group in groupby(met, key=lambda m: m[:2]):
            yield line, rule, [alternative for _, _, alternative in group]


@dataclass(frozen=True)
class Sieve:
    """Sieve main and decoded lines exactly, closed-up ones by literals that need no blanks."""

    exact: _Half
    loose: _Half

    def __call__(self, folded: Folded, roles: Roles = None) -> Iterator[Candidate]:
        """Name the candidates of a folded batch."""
        columns, first = _columns(folded, roles), len(folded.texts)
        spaced = np.zeros(len(folded), dtype=bool)
        spaced[first:] = [d.spaced for d in folded.derived]
        yield from self.exact.sift(folded.buffer, folded.offsets, np.where(spaced, _NOBODY, columns).astype(np.uint8))
        if spaced.any():
            begin = int(folded.offsets[first])
            own = np.where(spaced, columns, _NOBODY)[first:].astype(np.uint8)
            for line, rule, among in self.loose.sift(folded.buffer[begin:], folded.offsets[first:] - begin, own):
                yield first + line, rule, among


def build_sieve(standard: Standard, scanner: ScannerName, cache: Path | None) -> Sieve:
    """Build the sieve of a standard's rules; what was analysed and compiled is kept under `cache`."""
    exact, loose = (_half(standard, loose, scanner, cache) for loose in (False, True))
    return Sieve(exact, loose)


def _half(standard: Standard, loose: bool, scanner: ScannerName, cache: Path | None) -> _Half:
    parts = _parts(standard, loose, cache)
    wanted = [demand for _, demand in parts]
    finder = _Kernel(pack_demands(wanted)) if scanner == "kernels" else Database.of(wanted, cache)
    return _Half(finder, [place for place, _ in parts])


def _columns(folded: Folded, roles: Roles) -> Columns:
    """Number the role of every line, a derived one's by its row."""
    if roles is None:
        return np.full(len(folded), _ANYBODY, dtype=np.uint8)
    number = {role: n for n, role in enumerate(ROLES)}
    rows = [number[role] for role in roles]
    return np.array([*rows, *(rows[d.row] for d in folded.derived)], dtype=np.uint8)


def _parts(standard: Standard, loose: bool, cache: Path | None) -> list[tuple[Place, Demand]]:
    """List every demand of every alternative."""
    ears = [sum(1 << n for n, role in enumerate(ROLES) if role in r.form.roles) | 1 << _ANYBODY for r in standard.rules]
    return [(place, replace(demand, ears=ears[place[0]])) for place, demand in _analysed(standard, loose, cache)]


def _analysed(standard: Standard, loose: bool, cache: Path | None) -> list[tuple[Place, Demand]]:
    """Derive the demands from the patterns; kept in the cache, for this takes its time."""
    file = cache / f"{standard.digest}-{engine_mark()}-{'loose' if loose else 'exact'}.json" if cache else None
    try:
        kept = json.loads(file.read_bytes()) if file else None
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, list):
        trees = [((i, n), tree) for i, rule in enumerate(standard.rules) for n, tree in enumerate(rule.alternatives)]
        kept = [(place, d.sets, d.within) for place, t in trees for d in demands(t, loose=loose) if d.sets]
        if file:
            keep(file, json.dumps(kept).encode())
    return [((rule, n), Demand(tuple(map(tuple, sets)), within)) for (rule, n), sets, within in kept]
