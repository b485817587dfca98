"""Sieve folded batches: name the lines that a rule's alternative may match, by what its patterns demand of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Literal, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tocsin.forms import ROLES
from tocsin.standard.cache import engine_mark, keep
from tocsin.standard.factors import commonplace
from tocsin.standard.load import Standard
from tocsin.standard.match import demands
from tocsin.standard.vectorscan import Database
from tocsin.text import Demand, Demands, Folded, Lines, keep_demands, kernels_in_use, meet_demands, pack_demands

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
class _Pack:
    """Hold some of the demands, packed, and the number that each has among all."""

    demands: Demands
    numbers: Ints

    @cached_property
    def kept(self) -> object:
        """The demands as the kernel keeps them: checked once, for a handful of lines is looked through sooner."""
        return keep_demands(self.demands)


@dataclass(frozen=True)
class _Kernel:
    """Let the kernel look for demands; lines that few demands hear have a small pack of their own."""

    packs: Sequence[_Pack]

    def meet(self, buffer: Lines, offsets: Ints, columns: Columns) -> Ints:
        found = [_met(pack, buffer, offsets, columns) for pack in self.packs]
        together = np.concatenate([np.empty((0, 2), dtype=np.int64), *found])
        return together[np.lexsort((together[:, 1], together[:, 0]))]


def _met(pack: _Pack, buffer: Lines, offsets: Ints, columns: Columns) -> Ints:
    pairs = meet_demands(buffer, offsets, columns, pack.kept)
    return np.column_stack([pairs[:, 0], pack.numbers[pairs[:, 1]]])


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
    finder = _kernel(standard, wanted, loose, cache) if scanner == "kernels" else Database.of(wanted, cache)
    return _Half(finder, [place for place, _ in parts])


def _kernel(standard: Standard, wanted: Sequence[Demand], loose: bool, cache: Path | None) -> _Kernel:
    """Pack the demands; kept in the cache."""
    return _Kernel([_pack(wanted, ears, _cached(standard, loose, f"{ears:x}.npz", cache)) for ears in _groups(wanted)])


def _groups(wanted: Sequence[Demand]) -> list[int]:
    """Put each column that few demands hear on its own, the others together; what none hears is left out."""
    heard = {1 << c: sum(d.ears >> c & 1 for d in wanted) for c in range(_ANYBODY + 1)}
    few = [ear for ear, count in heard.items() if 0 < count <= len(wanted) / 2]
    return [ears for ears in (*few, sum(ear for ear, count in heard.items() if count and ear not in few)) if ears]


def _pack(wanted: Sequence[Demand], ears: int, file: Path | None) -> _Pack:
    numbers = np.array([n for n, demand in enumerate(wanted) if demand.ears & ears], dtype=np.int64)
    if file and (kept := _loaded(file)) is not None:
        return _Pack(kept, numbers)
    demands = pack_demands([replace(wanted[n], ears=wanted[n].ears & ears) for n in numbers], commonplace())
    if file:
        raw = BytesIO()
        np.savez(raw, *demands.arrays)
        keep(file, raw.getvalue())
    return _Pack(demands, numbers)


def _loaded(file: Path) -> Demands | None:
    try:
        with np.load(file) as kept:
            return Demands.of([kept[f"arr_{n}"] for n in range(len(kept.files))])
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile):
        return None


def _cached(standard: Standard, loose: bool, name: str, cache: Path | None) -> Path | None:
    return cache / f"{standard.digest}-{engine_mark()}-{'loose' if loose else 'exact'}-{name}" if cache else None


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
    file = _cached(standard, loose, "demands.json", cache)
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
