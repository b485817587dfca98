"""The fold: logs in, one state out, the same for everybody who holds the same logs, in whatever order they came.

First the times and the chain are found, each from the other, until neither grows; both only ever grow. Then the state
at a time is read from the statements that have one not after it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.coalition.chain import Decision, Judged, double_votes, open_slot
from tocsin.coalition.charter import Charter, End, Member
from tocsin.coalition.forks import choose
from tocsin.coalition.reading import Logged, Prefix, is_frozen_by
from tocsin.coalition.timing import Clock, Timeline, cosigned_time, count_stamps
from tocsin.forms.statements import Answer, Form, Freeze, Inquiry, Key, Notice, Report, Study, Vote

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
    chain, decisions, judged = [first], list[Decision](), {} if judged is None else judged
    while True:
        members = {origin: member for charter in chain for origin, member in charter.members.items()}
        chosen = {origin: choose(logs(member), chain, clock) for origin, member in members.items()}
        held = {origin: one for origin, one in chosen.items() if one}
        prefixes = {origin: one.prefix for origin, one in held.items()}
        times = {origin: count_stamps(prefix, chain, clock) for origin, prefix in prefixes.items()}
        decision = open_slot(chain, prefixes, times, judged).decide()
        if decision is None:
            forked = {origin: one.forked for origin, one in held.items() if one.forked is not None}
            return Known(tuple(chain), tuple(decisions), prefixes, times, forked, judged)
        chain.append(decision.charter)
        decisions.append(decision)


def state(known: Known, time: int) -> State:
    """Compute the shared state at a time."""
    chain, _ = chain_at(known, time)
    ends = {end.origin: end for charter in chain for end in charter.text.ends}
    items = list(_items(known, chain, ends, time))
    frozen = _frozen(items, chain)
    logs = tuple(_log(chain, origin, ends, frozen, items) for origin in _origins(chain))
    waiting = tuple(origin for origin in _origins(chain) if not _is_settled(known, origin, ends.get(origin), time))
    return State(
        time,
        not waiting,
        waiting,
        chain,
        logs,
        tuple(item for item in items if isinstance(item.form, Notice)),
        tuple(_inquiries(items, chain, time)),
        tuple(item for item in items if isinstance(item.form, Report | Study)),
        tuple(_misconduct(items)),
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


def _log(
    chain: Sequence[Charter],
    origin: str,
    ends: Mapping[str, End],
    frozen: Mapping[str, int],
    items: Sequence[Item],
) -> Log:
    charter = next(charter for charter in reversed(chain) if origin in charter.members)
    side = next(side.name for side in charter.text.sides if any(m.origin == origin for m in side.members))
    keys = {"statement": charter.members[origin].statement}
    keys |= {item.form.use: item.form.key for item in items if item.origin == origin and isinstance(item.form, Key)}
    member = charter.members[origin]
    ended = ends[origin].size if origin in ends else None
    return Log(member, side, ended, frozen.get(origin), tuple(sorted(keys.items())))


def _is_settled(known: Known, origin: str, end: End | None, time: int) -> bool:
    """Tell whether nothing of a log that is not yet known can have a time up to this one, or all up to its end is."""
    prefix = known.logs.get(origin, Prefix(origin, 0, (), ()))
    if end and prefix.size >= end.size:
        return prefix.root(end.size) == end.root
    return origin in known.times and known.times[origin].line().last > time


def _inquiries(items: Sequence[Item], chain: Sequence[Charter], time: int) -> Iterator[Asked]:
    """Find the answers by the member that was asked, be it in a log that it has got since."""
    names = {origin: member.name for charter in chain for origin, member in charter.members.items()}
    answers: dict[tuple[str, int, str], list[Item]] = {}
    for item in items:
        if isinstance(item.form, Answer):
            answers.setdefault((item.form.asker, item.form.index, names[item.origin]), []).append(item)
    for item in items:
        if isinstance(item.form, Inquiry):
            found = tuple(answers.get((item.origin, item.index, names.get(item.form.to, "")), ()))
            yield Asked(item, found, _status(item.form, found, time))


def _status(form: Inquiry, answers: Sequence[Item], time: int) -> str:
    if any(answer.time <= form.deadline for answer in answers):
        return "answered"
    return "overdue" if time > form.deadline else "open"


def _misconduct(items: Sequence[Item]) -> Iterator[tuple[str, int, int]]:
    """Name votes that contradict each other: log, and the indexes of both."""
    for origin in dict.fromkeys(item.origin for item in items):
        votes = [Logged(i.index, i.form) for i in items if i.origin == origin and isinstance(i.form, Vote)]
        yield from ((origin, one.index, two.index) for one, two in double_votes(votes))
