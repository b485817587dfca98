"""A rule pack, compiled to run over folded batches: one scan names the candidates, `re` confirms them."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.standard.factors import scan_expression
from tocsin.standard.load import Rule, Standard
from tocsin.standard.match import branches
from tocsin.text import Folded

SLOW = "re"
Ints = NDArray[np.int64]
Candidates = Callable[[Folded], Iterator[tuple[int, int]]]


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

    def matches(self, folded: Folded) -> list[RuleMatch]:
        """Find, for every text and rule, the first place where the rule matches; in order of text, then rule.

        A text counts before the lines derived from it. The result is the same for any candidates that cover the
        matches.
        """
        found: dict[tuple[int, int], RuleMatch] = {}
        lines: dict[int, str] = {}
        for line, index in self.candidates(folded):
            row = folded.row(line)
            if (row, index) in found:
                continue
            text = lines.setdefault(line, folded.line(line))
            loose = line >= len(folded.texts) and folded.derived[line - len(folded.texts)].spaced
            if span := self.rules[index].first(text, loose):
                found[row, index] = RuleMatch(line, row, self.rules[index], *span)
        return [found[key] for key in sorted(found)]


def compile_pack(standard: Standard, cache: Path | None = None) -> RulePack:
    """Compile a standard for Vectorscan, or for `re` alone where the scanner is not installed.

    The scanner's database is kept under `cache`, named by its patterns and the scanner's version.
    """
    if scanner_name() == SLOW:
        return reference_pack(standard)
    return RulePack(standard.rules, _Scanner.of(standard.rules, cache))


def scanner_name() -> str:
    """Name the scanner in use: `re` on a platform that has no wheel of the fast one."""
    return "vectorscan" if find_spec("hyperscan") else SLOW


def reference_pack(standard: Standard) -> RulePack:
    """Run every rule on every line with `re`: slow, and the oracle of the fast pack."""
    every = range(len(standard.rules))
    return RulePack(standard.rules, lambda folded: ((line, i) for line in range(len(folded)) for i in every))


@dataclass(frozen=True)
class _Scanner:
    """Scan main and decoded lines with one database, closed-up lines with a second whose literals need no blanks."""

    exact: "_Database"
    loose: "_Database"

    @classmethod
    def of(cls, rules: Sequence[Rule], cache: Path | None) -> "_Scanner":
        return cls(_Database.of(rules, False, cache), _Database.of(rules, True, cache))

    def __call__(self, folded: Folded) -> Iterator[tuple[int, int]]:
        main = len(folded.texts)
        yield from self.exact.scan(folded.buffer, folded.offsets)
        for line in (main + i for i, d in enumerate(folded.derived) if d.spaced):
            start, end = int(folded.offsets[line]), int(folded.offsets[line + 1])
            for _, index in self.loose.scan(folded.buffer[start:end], np.array([0, end - start])):
                yield line, index


@dataclass(frozen=True)
class _Database:
    """Hold the scanner's database of factors, and which groups of which branches of which rules each factor serves.

    Shape: factor f serves `groups[starts[f]:starts[f + 1]]`; group g belongs to branch `branch_of[g]`; branch b
    needs `needs[b]` groups and speaks for rule `rule_of[b]`.
    """

    scanner: Any
    starts: Ints
    groups: Ints
    branch_of: Ints
    needs: Ints
    rule_of: Ints

    @classmethod
    def of(cls, rules: Sequence[Rule], loose: bool, cache: Path | None) -> "_Database":
        branch_rules = [(i, b) for i, rule in enumerate(rules) for b in branches(rule.match, loose=loose)]
        groups = [(n, group) for n, (_, branch) in enumerate(branch_rules) for group in branch]
        serves: dict[str, list[int]] = {}
        for g, (_, group) in enumerate(groups):
            for factor in group:
                serves.setdefault(factor, []).append(g)
        names = sorted(serves)
        return cls(
            _compiled(names, cache),
            np.cumsum([0, *(len(serves[f]) for f in names)]),
            np.array([g for f in names for g in serves[f]], dtype=np.int64),
            np.array([n for n, _ in groups], dtype=np.int64),
            np.array([len(branch) for _, branch in branch_rules], dtype=np.int64),
            np.array([i for i, _ in branch_rules], dtype=np.int64),
        )

    def scan(self, buffer: bytes, offsets: Ints) -> list[tuple[int, int]]:
        """Name the (line, rule) pairs whose line holds all groups of a branch, in order."""
        factors, ends = self._hits(buffer)
        lines = np.searchsorted(offsets, ends, side="left") - 1
        width = self.starts[factors + 1] - self.starts[factors]
        first = np.repeat(self.starts[factors] - (np.cumsum(width) - width), width)
        group = self.groups[first + np.arange(len(first))]
        held = np.unique(np.repeat(lines, width) * len(self.branch_of) + group)
        line, branch = held // len(self.branch_of), self.branch_of[held % len(self.branch_of)]
        pairs, counts = np.unique(line * len(self.needs) + branch, return_counts=True)
        full = pairs[counts == self.needs[pairs % len(self.needs)]]
        rules = np.unique(full // len(self.needs) * len(self.rule_of) + self.rule_of[full % len(self.needs)])
        return list(zip((rules // len(self.rule_of)).tolist(), (rules % len(self.rule_of)).tolist(), strict=True))

    def _hits(self, buffer: bytes) -> tuple[Ints, Ints]:
        factors: list[int] = []
        ends: list[int] = []

        def on_match(factor: int, _start: int, end: int, _flags: int, _context: object) -> None:
            factors.append(factor)
            ends.append(end)

        if self.scanner is not None:
            self.scanner.scan(buffer, match_event_handler=on_match)
        return np.array(factors, dtype=np.int64), np.array(ends, dtype=np.int64)


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
        _keep(file, hyperscan.dumpb(database))
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


def _keep(file: Path, raw: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
        Path(temporary).replace(file)
    except OSError:  # a cache that cannot be written costs time, nothing else
        return
