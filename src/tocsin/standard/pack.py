"""A rule pack, compiled to run over folded batches: one scan names the candidates, `re` confirms them."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.forms import ROLES
from tocsin.standard.cache import engine_mark, keep
from tocsin.standard.factors import BOUNDARY, scan_expression
from tocsin.standard.load import Rule, Standard
from tocsin.standard.match import branches
from tocsin.standard.patterns import rejecter
from tocsin.text import Folded, Lines

SLOW = "re"
_FEW = 12  # literals that are looked for one by one faster than all at once
Ints = NDArray[np.int64]
Candidate = tuple[int, int, Sequence[int]]  # a line, a rule's number, and which of its alternatives may match there
Roles = Sequence[str] | None  # the role of each row; None: every rule may speak of every row
Mask = NDArray[np.bool_]
Candidates = Callable[[Folded, Roles], Iterator[Candidate]]
_ANYBODY, _NOBODY = len(ROLES), len(ROLES) + 1  # the columns of lines that all rules, or none, may speak of


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """Say that a rule matches a line of a batch, and where in it, in characters of the folded line."""

    line: int
    row: int
    rule: Rule
    start: int
    end: int


@dataclass(frozen=True)
class RulePack:
    """Run a standard's rules over folded batches. `candidates` yields (line, rule index) pairs, a superset of the
    matches.
    """

    rules: tuple[Rule, ...]
    candidates: Candidates

    def matches(self, folded: Folded, roles: Roles = None) -> list[RuleMatch]:
        """Find, for every text and rule that hears its role, the first place where the rule matches; by text, then
        rule.

        A text counts before the lines derived from it. The result is the same for any candidates that cover the
        matches.
        """
        found: dict[tuple[int, int], RuleMatch] = {}
        lines: dict[int, str] = {}
        for line, index, among in sorted(self.candidates(folded, roles), key=lambda c: c[:2]):
            row = folded.row(line)
            if (row, index) in found or not (roles is None or roles[row] in self.rules[index].form.roles):
                continue
            text = lines.setdefault(line, folded.line(line))
            loose = line >= len(folded.texts) and folded.derived[line - len(folded.texts)].spaced
            if span := self.rules[index].first(text, loose, among):
                found[row, index] = RuleMatch(line, row, self.rules[index], *span)
        return [found[key] for key in sorted(found)]


def compile_pack(standard: Standard, cache: Path | None = None) -> RulePack:
    """Compile a standard for Vectorscan, or for `re` alone where the scanner is not installed.

    The scanner's database is kept under `cache`, named by its patterns and the scanner's version.
    """
    if scanner_name() == SLOW:
        return reference_pack(standard)
    return RulePack(standard.rules, _Scanner.of(standard, cache))


def scanner_name() -> str:
    """Name the scanner in use: `re` on a platform that has no wheel of the fast one."""
    return "vectorscan" if find_spec("hyperscan") else SLOW


def reference_pack(standard: Standard) -> RulePack:
    """Run every rule on every line with `re`: slow, and the oracle of the fast pack."""
    every = [(i, range(len(rule.alternatives))) for i, rule in enumerate(standard.rules)]
    return RulePack(standard.rules, lambda folded, _roles: ((line, *e) for line in range(len(folded)) for e in every))


@dataclass(frozen=True)
class _Scanner:
    """Scan main and decoded lines with one database, closed-up lines with a second whose literals need no blanks."""

    exact: "_Database"
    loose: "_Database"

    @classmethod
    def of(cls, standard: Standard, cache: Path | None) -> "_Scanner":
        heard = np.array([[role in rule.form.roles for role in ROLES] for rule in standard.rules], dtype=bool)
        heard = np.column_stack([heard.reshape(-1, len(ROLES)), np.ones(len(heard), bool), np.zeros(len(heard), bool)])
        exact, loose = (_Database.of(_parts(standard, loose, cache), heard, cache) for loose in (False, True))
        return cls(exact, loose)

    def __call__(self, folded: Folded, roles: Roles = None) -> Iterator[Candidate]:
        columns = _columns(folded, roles)
        spaced = [len(folded.texts) + i for i, d in enumerate(folded.derived) if d.spaced]
        own = columns[spaced]
        columns[spaced] = _NOBODY
        yield from self.exact.scan(folded.buffer, folded.offsets, columns)
        for line, column in zip(spaced, own, strict=True):
            start, end = int(folded.offsets[line]), int(folded.offsets[line + 1])
            lone = self.loose.scan(folded.buffer[start:end], np.array([0, end - start]), np.array([column]))
            yield from ((line, index, among) for _, index, among in lone)


def _columns(folded: Folded, roles: Roles) -> Ints:
    """Number the role of every line, a derived one's by its row."""
    if roles is None:
        return np.full(len(folded), _ANYBODY, dtype=np.int64)
    number = {role: n for n, role in enumerate(ROLES)}
    rows = [number[role] for role in roles]
    return np.array([*rows, *(rows[d.row] for d in folded.derived)], dtype=np.int64)


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
class _Database:
    """Hold the scanner's database: the literals of each branch's rarest set, and what else the branch needs.

    Shape: factor f begins the branches `begins[f]`; branch b also needs one literal of each set numbered in `also[b]`,
    which `lacks[s]` says of a line, and speaks for `speaks[b]`: a rule and one of its alternatives, of lines whose
    role's column holds in `hears[b]`.
    """

    scanner: Any
    begins: _Lists
    also: tuple[tuple[int, ...], ...]
    lacks: tuple[Callable[[str], bool], ...]
    speaks: tuple[tuple[int, int], ...]
    hears: Mask

    @classmethod
    def of(cls, parts: "Sequence[_Part]", heard: Mask, cache: Path | None) -> "_Database":
        names = sorted({factor for _, branch in parts for factor in branch[0]})
        number_of = {name: n for n, name in enumerate(names)}
        pairs = [(number_of[factor], n) for n, (_, branch) in enumerate(parts) for factor in branch[0]]
        number: dict[tuple[str, ...], int] = {}
        also = tuple(tuple(number.setdefault(tuple(s), len(number)) for s in branch[1:]) for _, branch in parts)
        return cls(
            _compiled(names, cache),
            _Lists.of((f for f, _ in pairs), (n for _, n in pairs), len(names)),
            also,
            tuple(map(_Lacks, number)),
            tuple(place for place, _ in parts),
            heard[[rule for (rule, _), _ in parts]] if parts else heard[:0],
        )

    def scan(self, buffer: Lines, offsets: Ints, columns: Ints) -> Iterator[Candidate]:
        """Name the rules' alternatives of which a line holds every set of a branch, by line, then by rule."""
        factors, ends = self._hits(buffer)
        lines, begun = self.begins.expand(np.searchsorted(offsets, ends, side="left") - 1, factors)
        heard = self.hears[begun, columns[lines]]
        lines, begun = lines[heard], begun[heard]
        width = len(self.speaks) + 1
        for line, group in groupby(_distinct(lines * width + begun).tolist(), key=lambda pair: pair // width):
            text = buffer[offsets[line] : offsets[line + 1] - 1].decode()
            spoken = sorted(self._speaking(text, [pair % width for pair in group]))
            for rule, places in groupby(spoken, key=lambda place: place[0]):
                yield line, rule, [alternative for _, alternative in places]

    def _speaking(self, text: str, begun: list[int]) -> set[tuple[int, int]]:
        known: dict[int, bool] = {}

        def lacks(needed: int) -> bool:
            if needed not in known:
                known[needed] = self.lacks[needed](text)
            return known[needed]

        return {self.speaks[b] for b in begun if not any(map(lacks, self.also[b]))}

    def _hits(self, buffer: Lines) -> tuple[Ints, Ints]:
        factors: list[int] = []
        ends: list[int] = []

        def on_match(factor: int, _start: int, end: int, _flags: int, _context: object) -> None:
            factors.append(factor)
            ends.append(end)

        if self.scanner is not None:
            self.scanner.scan(buffer, match_event_handler=on_match)
        return np.array(factors, dtype=np.int64), np.array(ends, dtype=np.int64)


_Part = tuple[tuple[int, int], Sequence[Sequence[str]]]  # a rule and its alternative; the sets of one of its branches


def _parts(standard: Standard, loose: bool, cache: Path | None) -> list[_Part]:
    """List every branch of every alternative; kept in the cache, for the analysis of patterns takes its time."""
    file = cache / f"{standard.digest}-{engine_mark()}-{'loose' if loose else 'exact'}.json" if cache else None
    try:
        kept = json.loads(file.read_bytes()) if file else None
    except (OSError, ValueError):
        kept = None
    if not isinstance(kept, list):
        trees = [((i, n), tree) for i, rule in enumerate(standard.rules) for n, tree in enumerate(rule.alternatives)]
        kept = [(place, [sorted(s) for s in b]) for place, tree in trees for b in branches(tree, loose=loose) if b]
        if file:
            keep(file, json.dumps(kept).encode())
    return [((rule, alternative), sets) for (rule, alternative), sets in kept]


@dataclass(frozen=True)
class _Lacks:
    """Say of a line that it holds none of the factors; built when it is first asked."""

    factors: tuple[str, ...]

    @cached_property
    def test(self) -> Callable[[str], bool]:
        """The quicker way for so many literals."""
        literals = sorted({factor.replace(BOUNDARY, "") for factor in self.factors})
        quick = rejecter([re.escape(literal) for literal in literals]) if len(literals) > _FEW else None
        return quick or (lambda line: not _holds_any(line, literals))

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
