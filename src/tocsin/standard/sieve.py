"""Sieve folded batches: name the lines that a rule's alternative may match, by what its patterns demand of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import ROLES
from tocsin.standard.cache import engine_mark, keep
from tocsin.standard.factors import commonplace
from tocsin.standard.load import Standard
from tocsin.standard.match import demands, is_plain
from tocsin.standard.vectorscan import Database
from tocsin.text import Demand, Demands, Folded, Lines, keep_demands, kernels_in_use, meet_demands, pack_demands

Ints = NDArray[np.int64]
Columns = NDArray[np.uint8]
Candidate = tuple[int, int, Sequence[int]]  # a line, a rule's number, and which of its alternatives may match there
Roles: TypeAlias = Sequence[str] | pa.Array | None  # the role of each row; None: every rule may speak of every row
_Part = tuple[tuple[int, int], Demand, bool]  # a rule and one of its alternatives; whether what meets it matches
ScannerName = Literal["kernels", "vectorscan", "re"]
_NUMBERS = {role: number for number, role in enumerate(ROLES)}
_ANYBODY, _NOBODY = len(ROLES), len(ROLES) + 1  # the columns of lines that all rules, or none, may speak of


def scanner_name() -> ScannerName:
    """Name the scanner in use: `re` on a platform that has neither compiled kernels nor a wheel of Vectorscan."""
    if kernels_in_use() != "python":
        return "kernels"
    return "vectorscan" if find_spec("hyperscan") else "re"


@dataclass(frozen=True)
class Sifted:
    """Hold what a sieve lets through. A rule is not in both for the same line.

    Shape: `sure` has rows of (line, rule, start, end): the rule matches the line, and there first.
    """

    sure: Ints
    doubtful: Iterable[Candidate]


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
        return np.concatenate([np.empty((0, 4), dtype=np.int64), *found])


def _met(pack: _Pack, buffer: Lines, offsets: Ints, columns: Columns) -> Ints:
    met = meet_demands(buffer, offsets, columns, pack.kept)
    return np.column_stack([met[:, 0], pack.numbers[met[:, 1]], met[:, 2:]])


@dataclass(frozen=True)
class _Half:
    """Hold the demands for one sort of lines.

    Shape: demand d is made by the rule and alternative `places[d]`; `plain[d]` says that whatever meets it matches, the
    rule having no exception.
    """

    finder: _Finder
    places: Ints
    plain: NDArray[np.bool_]

    def sift(self, buffer: Lines, offsets: Ints, columns: Columns) -> Ints:
        """Name the rules' alternatives of which a line meets a demand.

        Shape: rows of (line, rule, alternative, start, end), ascending; -1 for start where `re` must say.
        """
        met = self.finder.meet(buffer, offsets, columns)
        sure = self.plain[met[:, 1]]
        named = np.column_stack([met[:, 0], self.places[met[:, 1]], np.where(sure[:, None], met[:, 2:], -1)])
        return named[np.lexsort(named.T[::-1])]


@dataclass(frozen=True)
class Sieve:
    """Sieve main and decoded lines exactly, closed-up ones by literals that need no blanks."""

    exact: _Half
    loose: _Half

    def __call__(self, folded: Folded, roles: Roles = None) -> Sifted:
        """Sift a folded batch."""
        columns, first = _columns(folded, roles), len(folded.texts)
        spaced = np.zeros(len(folded), dtype=bool)
        spaced[first:] = [d.spaced for d in folded.derived]
        met = self.exact.sift(folded.buffer, folded.offsets, np.where(spaced, _NOBODY, columns).astype(np.uint8))
        if spaced.any():
            begin = int(folded.offsets[first])
            own = np.where(spaced, columns, _NOBODY)[first:].astype(np.uint8)
            loose = self.loose.sift(folded.buffer[begin:], folded.offsets[first:] - begin, own)
            met = np.concatenate([met, loose + np.array([first, 0, 0, 0, 0])])
        return _sifted(met)


def _sifted(met: Ints) -> Sifted:
    """Tell lines and rules where every alternative met is sure to match from those where `re` must say."""
    group = np.cumsum(_fresh(met[:, :2])) - 1
    doubtful = np.bincount(group, weights=met[:, 3] < 0)[group] > 0
    sure = met[~doubtful][:, [0, 1, 3, 4]]
    sure = sure[np.lexsort(sure.T[::-1])]
    return Sifted(sure[_fresh(sure[:, :2])], _grouped(met[doubtful, :3]))


def _grouped(met: Ints) -> list[Candidate]:
    """Gather the alternatives of each line and rule. Shape: ascending rows of (line, rule, alternative)."""
    met = met[_fresh(met)]
    starts = np.flatnonzero(_fresh(met[:, :2]))
    lines, rules = met[starts, :2].T.tolist()
    alternatives, bounds = met[:, 2].tolist(), [*starts.tolist(), len(met)]
    return [(line, rule, alternatives[a:b]) for line, rule, (a, b) in zip(lines, rules, pairwise(bounds), strict=True)]


def _fresh(rows: Ints) -> NDArray[np.bool_]:
    """Say of each row whether it differs from the one before."""
    fresh = np.ones(len(rows), dtype=bool)
    fresh[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return fresh


def build_sieve(standard: Standard, scanner: ScannerName, cache: Path | None) -> Sieve:
    """Build the sieve of a standard's rules; what was analysed and compiled is kept under `cache`."""
    exact, loose = (_half(standard, loose, scanner, cache) for loose in (False, True))
    return Sieve(exact, loose)


def _half(standard: Standard, loose: bool, scanner: ScannerName, cache: Path | None) -> _Half:
    if scanner == "kernels":
        return _packed_half(standard, loose, cache)
    parts = _parts(standard, loose, cache)
    return _Half(Database.of([demand for _, demand, _ in parts], cache), *_told_apart(parts))


def _packed_half(standard: Standard, loose: bool, cache: Path | None) -> _Half:
    """Pack the demands; kept in the cache."""
    file = _cached(standard, loose, "packed.npz", cache)
    if file and (kept := _loaded(file)) is not None:
        return kept
    parts = _parts(standard, loose, None)
    wanted = [demand for _, demand, _ in parts]
    packs, places, plain = [_pack(wanted, ears) for ears in _groups(wanted)], *_told_apart(parts)
    if file:
        raw = BytesIO()
        arrays: dict[str, Any] = {
            f"{n}-{i}": a for n, p in enumerate(packs) for i, a in enumerate((p.numbers, *p.demands.arrays))
        }
        np.savez(raw, places=places, plain=plain, **arrays)
        keep(file, raw.getvalue())
    return _Half(_Kernel(packs), places, plain)


def _loaded(file: Path) -> _Half | None:
    try:
        with np.load(file) as kept:
            places, plain, *names = kept.files
            size = sum(name.startswith("0-") for name in names) or 1
            each = [[kept[name] for name in names[at : at + size]] for at in range(0, len(names), size)]
            packs = [_Pack(Demands.of(arrays), numbers) for numbers, *arrays in each]
            return _Half(_Kernel(packs), kept[places], kept[plain])
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile):
        return None


def _told_apart(parts: Sequence[_Part]) -> tuple[Ints, NDArray[np.bool_]]:
    """Give whose demands they are, and which are plain."""
    places = np.array([place for place, _, _ in parts], dtype=np.int64).reshape(-1, 2)
    return places, np.array([plain for _, _, plain in parts], dtype=bool)


def _groups(wanted: Sequence[Demand]) -> list[int]:
    """Put each column that few demands hear on its own, the others together; what none hears is left out."""
    heard = {1 << c: sum(d.ears >> c & 1 for d in wanted) for c in range(_ANYBODY + 1)}
    few = [ear for ear, count in heard.items() if 0 < count <= len(wanted) / 2]
    return [ears for ears in (*few, sum(ear for ear, count in heard.items() if count and ear not in few)) if ears]


def _pack(wanted: Sequence[Demand], ears: int) -> _Pack:
    numbers = np.array([n for n, demand in enumerate(wanted) if demand.ears & ears], dtype=np.int64)
    demands = pack_demands([replace(wanted[n], ears=wanted[n].ears & ears) for n in numbers], commonplace())
    return _Pack(demands, numbers)


def _cached(standard: Standard, loose: bool, name: str, cache: Path | None) -> Path | None:
    return cache / f"{standard.digest}-{engine_mark()}-{'loose' if loose else 'exact'}-{name}" if cache else None


def _columns(folded: Folded, roles: Roles) -> Columns:
    """Number the role of every line, a derived one's by its row."""
    if roles is None:
        return np.full(len(folded), _ANYBODY, dtype=np.uint8)
    if isinstance(roles, pa.Array):
        numbers = pc.index_in(roles, pa.array(ROLES)).fill_null(_NOBODY).to_numpy().astype(np.uint8)
    else:
        numbers = np.array([_NUMBERS.get(role, _NOBODY) for role in roles], dtype=np.uint8)
    columns: Columns = numbers[folded.rows(np.arange(len(folded)))]
    return columns


def _parts(standard: Standard, loose: bool, cache: Path | None) -> list[_Part]:
    """List every demand of every alternative."""
    rules = standard.rules
    ears = [sum(1 << n for n, role in enumerate(ROLES) if role in r.form.roles) | 1 << _ANYBODY for r in rules]
    return [
        ((rule, n), replace(demand, ears=ears[rule]), plain and rules[rule].form.unless is None)
        for (rule, n), demand, plain in _analysed(standard, loose, cache)
    ]


def _analysed(standard: Standard, loose: bool, cache: Path | None) -> list[_Part]:
    """Derive the demands from the patterns; kept in the cache, for this takes its time."""
    file = _cached(standard, loose, "demands.json", cache)
    try:
        kept = json.loads(file.read_bytes()) if file else None
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, list):
        trees = [((i, n), tree) for i, rule in enumerate(standard.rules) for n, tree in enumerate(rule.alternatives)]
        found = ((place, t, d) for place, t in trees for d in demands(t, loose=loose) if d.sets)
        kept = [(place, d.sets, d.within, d.order, not loose and is_plain(t, d)) for place, t, d in found]
        if file:
            keep(file, json.dumps(kept).encode())
    return [
        ((rule, n), Demand(tuple(map(tuple, sets)), within, order=tuple(order)), plain)
        for (rule, n), sets, within, order, plain in kept
    ]
