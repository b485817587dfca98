"""The chain of charters (rules 10 to 13): which charter succeeds, from votes that are unique because each log is."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from tocsin.coalition.charter import Charter, Side, check_successor, parse_charter
from tocsin.coalition.reading import Logged, Prefix
from tocsin.coalition.timing import Line, Timeline
from tocsin.forms.errors import TocsinError
from tocsin.forms.statements import Proposal, Vote

Judged = dict[tuple[str, str], Charter | None]
"""What proposals were found to be, by parent and hash: signatures are checked once."""

UNSEEN = ""
"""Stands for any proposal that nobody has seen a vote for."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote that counts: whose, where it stands, when."""

    origin: str
    index: int
    time: int
    round: int
    charter: str


@dataclass(frozen=True)
class Decision:
    """A charter that succeeds its parent, and the votes that say so."""

    charter: Charter
    round: int
    ballots: tuple[Ballot, ...]


@dataclass(frozen=True)
class Slot:
    """All that is known of who may succeed the last charter of a chain."""

    chain: tuple[Charter, ...]
    lines: Mapping[str, Line]
    ballots: Mapping[tuple[str, int], Ballot]
    seen: Mapping[str, Charter | None]
    rounds: Mapping[int, frozenset[str]] = field(init=False)

    def __post_init__(self) -> None:
        rounds: dict[int, set[str]] = {}
        for (_, number), ballot in self.ballots.items():
            rounds.setdefault(number, set()).add(ballot.charter)
        object.__setattr__(self, "rounds", {number: frozenset(found) for number, found in rounds.items()})

    def decide(self) -> Decision | None:
        """Find the successor, if there is one. There is never a second, whatever else becomes known (rule 13)."""
        for number in sorted(self.rounds):
            for name in sorted(self.rounds[number]):
                charter = self.seen.get(name)
                if (
                    charter
                    and charter.text.start <= number
                    and self._has_won(name, number)
                    and self._alone(name, number)
                ):
                    votes = (b for b in self.ballots.values() if (b.round, b.charter) == (number, name))
                    return Decision(charter, number, tuple(sorted(votes, key=lambda b: b.origin)))
        return None

    def can_win(self, name: str, number: int) -> bool:
        """Tell whether a proposal can still win in a round; one that nobody has seen may, until its voters run out."""
        if name in self.seen:
            charter = self.seen[name]
            if charter is None or charter.text.start > number:
                return False
        return not any(self._lost(side, name, number) > len(side.members) - side.k for side in self._sides)

    @property
    def _sides(self) -> list[Side]:
        return self.chain[-1].text.sides

    def _has_won(self, name: str, number: int) -> bool:
        return all(self._votes(side, name, number) >= side.k for side in self._sides)

    def _alone(self, name: str, number: int) -> bool:
        """Tell whether no other proposal can still win in a round before."""
        return not any(
            other != name and self.can_win(other, before)
            for before in self._rounds_before(number)
            for other in (*self.rounds.get(before, ()), UNSEEN)
        )

    def _rounds_before(self, number: int) -> Iterator[int]:
        """Name the rounds in which anybody voted, and of the others the last: if that one is dead, they all are."""
        first = self.chain[-1].text.start
        yield from (r for r in self.rounds if first <= r < number)
        quiet = number - 1
        while quiet in self.rounds:
            quiet -= 1
        if quiet >= first:
            yield quiet

    def _votes(self, side: Side, name: str, number: int) -> int:
        found = (self.ballots.get((member.origin, number)) for member in side.members)
        return sum(ballot is not None and ballot.charter == name for ballot in found)

    def _lost(self, side: Side, name: str, number: int) -> int:
        """Count the members of a side that did not and can no longer vote for a proposal in a round."""
        end = self.chain[-1].round_end(number)
        lost = 0
        for member in side.members:
            ballot = self.ballots.get((member.origin, number))
            line = self.lines.get(member.origin)
            lost += ballot.charter != name if ballot else line is not None and line.last >= end
        return lost


def open_slot(
    chain: Sequence[Charter],
    logs: Mapping[str, Prefix],
    times: Mapping[str, Timeline],
    judged: Judged,
    until: int | None = None,
) -> Slot:
    """Gather votes and proposals on the successor of a chain's last charter, with time not above `until`."""
    head, slot = chain[-1], len(chain) - 1
    lines = {origin: times[origin].line(slot, until) for origin in head.members if origin in times}
    ballots: dict[tuple[str, int], Ballot] = {}
    seen: dict[str, Charter | None] = {}
    for origin, line in lines.items():
        for entry in logs[origin].entries:
            time = line.time(entry.index)
            if time is None:
                break
            if isinstance(entry.form, Vote):
                _cast(ballots, entry, origin, time, head)
            elif isinstance(entry.form, Proposal):
                _see(seen, entry.form, chain, judged)
    return Slot(tuple(chain), lines, ballots, seen)


def _cast(ballots: dict[tuple[str, int], Ballot], entry: Logged, origin: str, time: int, head: Charter) -> None:
    """Count the first vote of an author in a round; its time must lie there."""
    form = entry.form
    if isinstance(form, Vote) and form.parent == head.hash and head.round_of(time) == form.round:
        ballots.setdefault((origin, form.round), Ballot(origin, entry.index, time, form.round, form.charter))


def _see(seen: dict[str, Charter | None], form: Proposal, chain: Sequence[Charter], judged: Judged) -> None:
    """Judge a proposal: a charter that may follow, or None for one that never can."""
    try:
        raw = b64decode(form.charter, validate=True)
    except ValueError:
        return
    name = sha256(raw).hexdigest()
    at = chain[-1].hash, name
    if at not in judged:
        judged[at] = _judge(raw, chain)
    seen[name] = judged[at]


def _judge(raw: bytes, chain: Sequence[Charter]) -> Charter | None:
    try:
        charter = parse_charter(raw)
        check_successor(charter, chain)
    except TocsinError:
        return None
    return charter


def double_votes(entries: Iterable[Logged]) -> Iterator[tuple[Logged, Logged]]:
    """Find votes of one author on one parent and round for different charters: misconduct, shown by both."""
    first: dict[tuple[str, int], Logged] = {}
    for entry in entries:
        if isinstance(entry.form, Vote):
            other = first.setdefault((entry.form.parent, entry.form.round), entry)
            if isinstance(other.form, Vote) and other.form.charter != entry.form.charter:
                yield other, entry
