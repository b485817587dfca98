"""A rule pack, compiled to run over folded batches: a sieve names the candidates, which are then confirmed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa

from tocsin.standard.load import Rule, Standard
from tocsin.standard.reading import Line
from tocsin.standard.sieve import Candidate, Ints, Roles, ScannerName, Sifted, build_sieve, scanner_name
from tocsin.text import Folded

Candidates = Callable[[Folded, Roles], Sifted]
TimeLeft = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """Say that a rule matches a line of a batch, and where in it, in characters of the folded line."""

    line: int
    row: int
    rule: Rule
    start: int
    end: int


class OutOfTimeError(Exception):
    """Raise when time ran out: what was found so far, and the rows of which some of the candidates were not tried."""

    def __init__(self, found: list[RuleMatch], unread: set[int]) -> None:
        super().__init__(f"no time was left for {len(unread)} rows")
        self.found, self.unread = found, unread


@dataclass(frozen=True)
class RulePack:
    """Run a standard's rules over folded batches. What `candidates` lets through covers the matches."""

    rules: tuple[Rule, ...]
    candidates: Candidates
    by_re: bool = False

    def matches(self, folded: Folded, roles: Roles = None, time_left: TimeLeft | None = None) -> list[RuleMatch]:
        """Find, for every text and rule that hears its role, the first place where the rule matches; by text, then
        rule.

        A text counts before the lines derived from it. The result is the same for any candidates that cover the
        matches. Errors: OutOfTimeError, which holds what was found, once there is no time left.
        """
        unread: set[int] = set()
        found = self._found(folded, roles, time_left, unread).tolist()
        told = [RuleMatch(line, row, self.rules[rule], start, end) for row, rule, line, start, end in found]
        if unread:
            raise OutOfTimeError(told, unread)
        return told

    def found(self, folded: Folded, roles: Roles = None) -> Ints:
        """Find what `matches` finds. Shape: rows of (text, rule, line, start, end), ascending."""
        return self._found(folded, roles, None, set())

    def _found(self, folded: Folded, roles: Roles, time_left: TimeLeft | None, unread: set[int]) -> Ints:
        sifted = self.candidates(folded, roles)
        told = self._confirmed(sifted.doubtful, folded, time_left, unread)
        confirmed = np.array(list(told), dtype=np.int64).reshape(-1, 4)
        every = np.concatenate([sifted.sure, confirmed])
        every = np.column_stack([folded.rows(every[:, 0]), every[:, 1], every[:, 0], every[:, 2:]])
        every = every[np.lexsort(every.T[::-1])]
        first = np.ones(len(every), dtype=bool)
        first[1:] = (every[1:, :2] != every[:-1, :2]).any(axis=1)
        return every[first]

    def _confirmed(
        self, doubtful: Iterable[Candidate], folded: Folded, time_left: TimeLeft | None, unread: set[int]
    ) -> Iterator[tuple[int, ...]]:
        """Say which candidates match, and where first; a line is asked where none of the same text answered before.

        `unread` takes the rows of the candidates for which no time was left.
        """
        answered: set[tuple[int, int]] = set()
        # One rule behind the other is sooner done, as its tables are at hand; but in time that ends, line by line.
        named, first = sorted(doubtful, key=itemgetter(0, 1) if time_left else itemgetter(1, 0)), len(folded.texts)
        lines: dict[int, Line] = {}
        for place, (line, index, among) in enumerate(named):
            if time_left and not time_left():
                unread.update(folded.row(line) for line, _, _ in named[place:])
                return
            derived = folded.derived[line - first] if line >= first else None
            row = derived.row if derived else line
            if (row, index) in answered:
                continue
            if line not in lines:
                begin, end = folded.offsets[line : line + 2].tolist()
                spaced = derived is not None and derived.spaced
                lines[line] = Line(bytes(folded.buffer[begin : end - 1]), spaced, by_re=self.by_re)
            if span := self.rules[index].first_in(lines[line], among):
                answered.add((row, index))
                yield line, index, *span


def compile_pack(standard: Standard, cache: Path | None = None, scanner: ScannerName | None = None) -> RulePack:
    """Compile a standard for a scanner, by default the fastest of this machine.

    What takes time to compile is kept under `cache`, named by what it was compiled from.
    """
    chosen = scanner or scanner_name()
    if chosen == "re":
        return reference_pack(standard)
    return RulePack(standard.rules, build_sieve(standard, chosen, cache))


def reference_pack(standard: Standard) -> RulePack:
    """Run every rule on every line with `re` alone: slow, and the oracle of the fast pack."""
    every = [(i, range(len(rule.alternatives)), rule.form.roles) for i, rule in enumerate(standard.rules)]
    nothing = np.empty((0, 4), dtype=np.int64)

    def candidates(folded: Folded, roles: Roles) -> Sifted:
        said = roles.to_pylist() if isinstance(roles, pa.Array) else roles
        lines = [(line, folded.row(line)) for line in range(len(folded))]
        heard = ((line, i, n) for line, row in lines for i, n, by in every if said is None or said[row] in by)
        return Sifted(nothing, heard)

    return RulePack(standard.rules, candidates, by_re=True)
