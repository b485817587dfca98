"""The fold: logs in, one state out, the same for everybody who holds the same logs, in whatever order they came.

First the times and the chain are found, each from the other, until neither grows; both only ever grow. Then the state
at a time is read from the statements that have one not after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from tocsin.coalition.chain import Decision, Judged, double_votes, open_slot
from tocsin.coalition.charter import Charter, End, Member
from tocsin.coalition.forks import choose
from tocsin.coalition.reading import Logged, Prefix, is_frozen_by
from tocsin.coalition.timing import Clock, Timeline, cosigned_time, count_stamps
from tocsin.forms.statements import Answer, Form, Freeze, Inquiry, Key, Notice, Proposal, Report, Study, Vote

Logs = Callable[[Member], Sequence[Prefix]]
"""Gives what is known of a member's log: one prefix, or more where it was seen to branch, or none."""


@dataclass(frozen=True)
class Known:
    """All that logs prove before a time is asked for: the chain, why it is so, the logs of its members, their times."""

    chain: tuple[Charter, ...]
    decisions: tuple[Decision, ...]
    logs: Mapping[str, Prefix]
    times: Mapping[str, Timeline]
    forked: Mapping[str, int]
    judged: Judged = field(repr=False, compare=False)

    @property
    def charter(self) -> Charter:
        """Give the charter in force as far as is known."""
        return self.chain[-1]

    @property
    def coalition(self) -> str:
        """Name the coalition: the hash of its first charter."""
        return self.chain[0].hash


@dataclass(frozen=True)
class Item:
    """A statement that has effect: whose log, its index there, its time."""

    origin: str
    index: int
    time: int
    form: Form


@dataclass(frozen=True)
class Asked:
    """An inquiry: answered, open, or overdue."""

    item: Item
    answers: tuple[Item, ...]
    status: str


@dataclass(frozen=True)
class Log:
    """A log that the chain named: its author and side, at what size it was ended, since when it is frozen, its keys."""

    member: Member
    side: str
    ended: int | None
    frozen: int | None
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class State:
    """The shared state at a time. `settled`: no later holder of the logs computes another one."""

    time: int
    settled: bool
    waiting: tuple[str, ...]
    chain: tuple[Charter, ...]
    logs: tuple[Log, ...]
    notices: tuple[Item, ...]
    inquiries: tuple[Asked, ...]
    published: tuple[Item, ...]
    misconduct: tuple[tuple[str, int, int], ...]


def learn(first: Charter, logs: Logs, clock: Clock = cosigned_time, judged: Judged | None = None) -> Known:
    """Find the chain and the times of every log that it names, from any prefixes of the logs.

    `judged` may carry from one call to the next what proposals were found to be.
    """
    chain, judged = [first], {} if judged is None else judged
    while True:
        members = {origin: member for charter in chain for origin, member in charter.members.items()}
        chosen = {origin: choose(logs(member), chain, clock) for origin, member in members.items()}
        held = {origin: one for origin, one in chosen.items() if one}
        prefixes = {origin: one.prefix for origin, one in held.items()}
        times = {origin: count_stamps(prefix, chain, clock) for origin, prefix in prefixes.items()}
        ballots = {origin: only_ballots(prefix) for origin, prefix in prefixes.items()}
        decision = open_slot(chain, ballots, times, judged).decide()
        if decision is None:
            forked = {origin: one.forked for origin, one in held.items() if one.forked is not None}
            return Known(tuple(chain), explain(chain, ballots, times, judged), prefixes, times, forked, judged)
        chain.append(decision.charter)


def only_ballots(log: Prefix) -> Prefix:
    """Leave of a log what votes on charters need."""
    return replace(log, entries=tuple(entry for entry in log.entries if isinstance(entry.form, Proposal | Vote)))


def explain(
    chain: Sequence[Charter], logs: Mapping[str, Prefix], times: Mapping[str, Timeline], judged: Judged
) -> tuple[Decision, ...]:
    """Find for every charter of a chain all votes that are known to have decided it."""
    slots = (open_slot(chain[:count], logs, times, judged) for count in range(1, len(chain)))
    return tuple(decision for slot in slots if (decision := slot.decide()))


def state(known: Known, time: int) -> State:
    """Compute the shared state at a time."""
    chain, _ = chain_at(known, time)
    ends = {end.origin: end for charter in chain for end in charter.text.ends}
    whole = {
        origin: found for origin, end in ends.items() if (found := is_whole(known.logs.get(origin), end)) is not None
    }
    return compose(chain, ends, by_form(_items(known, chain, ends, time)), known.times, time, whole)


Kept = Mapping[type[Form], Sequence[Item]]
"""Statements that have effect, by their form, log after log, each in its order."""


def by_form(items: Iterable[Item]) -> dict[type[Form], list[Item]]:
    """Sort statements by their form; the order of each form's stays."""
    found: dict[type[Form], list[Item]] = {}
    for item in items:
        found.setdefault(type(item.form), []).append(item)
    return found


def is_whole(prefix: Prefix | None, end: End) -> bool | None:
    """Tell whether a log that was ended is the one that the charter ended; None where it is not here up to there."""
    held = prefix or Prefix(end.origin, 0, (), ())
    return held.root(end.size) == end.root if held.size >= end.size else None


def compose(
    chain: tuple[Charter, ...],
    ends: Mapping[str, End],
    kept: Kept,
    times: Mapping[str, Timeline],
    time: int,
    whole: Mapping[str, bool],
) -> State:
    """Put the state together from the statements that have effect at a time; `whole` as `is_whole` tells it."""
    frozen = _frozen(kept.get(Freeze, ()), chain)
    keys = _keys(kept.get(Key, ()))
    logs = tuple(_log(chain, origin, ends, frozen, keys.get(origin, {})) for origin in _origins(chain))
    waiting = tuple(origin for origin in _origins(chain) if not _is_settled(times.get(origin), whole.get(origin), time))
    published = sorted((*kept.get(Report, ()), *kept.get(Study, ())), key=lambda item: (item.origin, item.index))
    return State(
        time,
        not waiting,
        waiting,
        chain,
        logs,
        tuple(kept.get(Notice, ())),
        tuple(_inquiries(kept.get(Inquiry, ()), kept.get(Answer, ()), chain, time)),
        tuple(published),
        tuple(_misconduct(kept.get(Vote, ()))),
    )


def chain_at(known: Known, time: int) -> tuple[tuple[Charter, ...], tuple[Decision, ...]]:
    """Find the chain as the statements up to a time decide it."""
    count = 0
    while count < len(known.decisions):
        slot = open_slot(known.chain[: count + 1], known.logs, known.times, known.judged, time)
        if slot.decide() is None:
            break
        count += 1
    return known.chain[: count + 1], known.decisions[:count]


def _items(known: Known, chain: Sequence[Charter], ends: Mapping[str, End], time: int) -> Iterator[Item]:
    """Give the statements with effect, log by log: before the log's end, with a time not after `time`."""
    for origin in sorted(_origins(chain)):
        if origin not in known.logs:
            continue
        end = ends[origin].size if origin in ends else None
        line = known.times[origin].line(None, time, end)
        late = {c.hash: known.times[origin].line(n, time, end) for n, c in enumerate(known.chain)}
        for entry in known.logs[origin].entries:
            if end is not None and entry.index >= end:
                break
            at = (late.get(entry.form.parent, line) if isinstance(entry.form, Vote) else line).time(entry.index)
            if at is not None:
                yield Item(origin, entry.index, at, entry.form)


def _origins(chain: Sequence[Charter]) -> list[str]:
    return list(dict.fromkeys(origin for charter in chain for origin in charter.members))


def _frozen(items: Sequence[Item], chain: Sequence[Charter]) -> dict[str, int]:
    """Tell since when logs are frozen: the least time of a freeze that their recovery key signed."""
    members = {origin: member for charter in chain for origin, member in charter.members.items()}
    found: dict[str, int] = {}
    for item in items:
        form = item.form
        known = isinstance(form, Freeze) and form.frozen in members
        if isinstance(form, Freeze) and known and is_frozen_by(form, members[form.frozen], chain[0].hash):
            found[form.frozen] = min(item.time, found.get(form.frozen, item.time))
    return found


def _keys(items: Sequence[Item]) -> dict[str, dict[str, str]]:
    """Tell the keys in force of each log, by their use: the last one of each."""
    found: dict[str, dict[str, str]] = {}
    for item in items:
        if isinstance(item.form, Key):
            found.setdefault(item.origin, {})[item.form.use] = item.form.key
    return found


def _log(
    chain: Sequence[Charter],
    origin: str,
    ends: Mapping[str, End],
    frozen: Mapping[str, int],
    keys: Mapping[str, str],
) -> Log:
    charter = next(charter for charter in reversed(chain) if origin in charter.members)
    side = next(side.name for side in charter.text.sides if any(m.origin == origin for m in side.members))
    member = charter.members[origin]
    known = {"statement": member.statement, **keys}
    ended = ends[origin].size if origin in ends else None
    return Log(member, side, ended, frozen.get(origin), tuple(sorted(known.items())))


def _is_settled(timeline: Timeline | None, whole: bool | None, time: int) -> bool:
    """Tell whether nothing of a log that is not yet known can have a time up to this one, or all up to its end is."""
    return whole if whole is not None else timeline is not None and timeline.line().last > time


def _inquiries(asked: Sequence[Item], said: Sequence[Item], chain: Sequence[Charter], time: int) -> Iterator[Asked]:
    """Find the answers by the member that was asked, be it in a log that it has got since."""
    names = {origin: member.name for charter in chain for origin, member in charter.members.items()}
    answers: dict[tuple[str, int, str], list[Item]] = {}
    for item in said:
        if isinstance(item.form, Answer):
            answers.setdefault((item.form.asker, item.form.index, names[item.origin]), []).append(item)
    for item in asked:
        if isinstance(item.form, Inquiry):
            found = tuple(answers.get((item.origin, item.index, names.get(item.form.to, "")), ()))
            yield Asked(item, found, _status(item.form, found, time))


def _status(form: Inquiry, answers: Sequence[Item], time: int) -> str:
    if any(answer.time <= form.deadline for answer in answers):
        return "answered"
    return "overdue" if time > form.deadline else "open"


def _misconduct(votes: Sequence[Item]) -> Iterator[tuple[str, int, int]]:
    """Name votes that contradict each other: log, and the indexes of both."""
    for origin, items in groupby(votes, key=lambda item: item.origin):
        entries = [Logged(item.index, item.form) for item in items]
        yield from ((origin, one.index, two.index) for one, two in double_votes(entries))
