"""A rule pack, compiled to run over folded batches: a sieve names the candidates, `re` confirms them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tocsin.standard.load import Rule, Standard
from tocsin.standard.sieve import Candidate, Roles, ScannerName, build_sieve, scanner_name
from tocsin.text import Folded

Candidates = Callable[[Folded, Roles], Iterator[Candidate]]


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
    """Run a standard's rules over folded batches. `candidates` yields a superset of the matches."""

    rules: tuple[Rule, ...]
    candidates: Candidates

    def matches(
        self, folded: Folded, roles: Roles = None, time_left: Callable[[], bool] | None = None
    ) -> list[RuleMatch]:
        """Find, for every text and rule that hears its role, the first place where the rule matches; by text, then
        rule.

        A text counts before the lines derived from it. The result is the same for any candidates that cover the
        matches. Errors: OutOfTimeError, which holds what was found, once there is no time left.
        """
        found: dict[tuple[int, int], RuleMatch] = {}
        lines: dict[int, str] = {}
        named = sorted(self.candidates(folded, roles), key=lambda c: c[:2])
        for place, (line, index, among) in enumerate(named):
            if time_left and not time_left():
                unread = {folded.row(line) for line, _, _ in named[place:]}
                raise OutOfTimeError([found[key] for key in sorted(found)], unread)
            row = folded.row(line)
            if (row, index) in found or not (roles is None or roles[row] in self.rules[index].form.roles):
                continue
            if line not in lines:
                lines[line] = folded.line(line)
            loose = line >= len(folded.texts) and folded.derived[line - len(folded.texts)].spaced
            if span := self.rules[index].first(lines[line], loose, among):
                found[row, index] = RuleMatch(line, row, self.rules[index], *span)
        return [found[key] for key in sorted(found)]


def compile_pack(standard: Standard, cache: Path | None = None, scanner: ScannerName | None = None) -> RulePack:
    """Compile a standard for a scanner, by default the fastest of this machine.

    What takes time to compile is kept under `cache`, named by what it was compiled from.
    """
    chosen = scanner or scanner_name()
    if chosen == "re":
        return reference_pack(standard)
    return RulePack(standard.rules, build_sieve(standard, chosen, cache))


def reference_pack(standard: Standard) -> RulePack:
    """Run every rule on every line with `re`: slow, and the oracle of the fast pack."""
    every = [(i, range(len(rule.alternatives))) for i, rule in enumerate(standard.rules)]
    return RulePack(standard.rules, lambda folded, _roles: ((line, *e) for line in range(len(folded)) for e in every))
