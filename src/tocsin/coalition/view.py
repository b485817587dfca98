"""A member's view: the shared state, and what the sealed entries say that it can open (rules 15 to 19, 22 to 24).

Pure: the same logs, bodies and keys give the same view. What cannot be opened is shown as sealed.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tocsin.coalition.agreements import Agreed, Fault, find_agreements, find_faults
from tocsin.coalition.anchors import Knowledge, read_anchors
from tocsin.coalition.charter import Charter
from tocsin.coalition.fold import Known, State, state
from tocsin.coalition.hearing import (
    HEARD,
    REPLACED,
    STALE,
    Ground,
    Heard,
    Partial,
    Tombstones,
    cosigned_by_parties,
    find_independent,
    find_registers,
    find_tombstones,
    judge,
)
from tocsin.coalition.opening import Opened, Opener, Shut, authors_of, find_viewer, open_all
from tocsin.coalition.reading import Stamped
from tocsin.coalition.sealing import Body
from tocsin.coalition.timing import Clock, cosigned_time
from tocsin.coalition.trees import roots_at
from tocsin.forms.bodies import Alarm, Opinion, PrivateAnswer, PrivateInquiry, Receipt, Sighting
from tocsin.forms.errors import FormatError
from tocsin.ledger import Note, parse_checkpoint


@dataclass(frozen=True)
class Question:
    """A private inquiry to one addressee: answered, open, or overdue."""

    said: Opened
    to: str
    answers: tuple[Opened, ...]
    status: str


@dataclass(frozen=True)
class Acknowledged:
    """What a body's addressees have shown to hold it, by a receipt or an anchor."""

    said: Opened
    by: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What one member sees at a time."""

    viewer: str
    shared: State
    agreements: tuple[Agreed, ...]
    alarms: tuple[Heard, ...]
    sightings: tuple[Opened, ...]
    opinions: tuple[Opened, ...]
    questions: tuple[Question, ...]
    receipts: tuple[Acknowledged, ...]
    faults: tuple[Fault, ...]
    sealed: tuple[Shut, ...]

    @property
    def missing(self) -> tuple[Shut, ...]:
        """Give the entries for this member that do not open: their bodies are asked for by `inquiry`."""
        return tuple(one for one in self.sealed if one.mine)


def view(
    known: Known,
    time: int,
    bodies: Iterable[Body],
    keys: Sequence[X25519PrivateKey],
    served: Mapping[str, Stamped] | None = None,
    clock: Clock = cosigned_time,
    partial: Partial = cosigned_by_parties,
) -> View:
    """Compute a member's view at a time, by its box keys and the bodies that it holds.

    `served`: checkpoints that the logs serve, of entries that are all held (`as_served`): they show a log to be fresh,
    and alarms that only the parties' mirrors have cosigned. Errors: ConfigError where the first key is no member's.
    """
    shared = state(known, time)
    chain = shared.chain
    viewer = find_viewer(chain, keys)
    ends = {end.origin: end.size for charter in chain for end in charter.text.ends}
    opened, shut = open_all(known, chain, ends, time, Opener(chain, bodies, viewer))
    knowledge = Knowledge([s for s in read_anchors(known) if s.origin in authors_of(chain)], authors_of(chain))
    tombstones, agreed = find_tombstones(opened), find_agreements(opened)
    fresh = find_fresh(known, chain, ends, time, _synced(served or {}, chain[-1], clock))
    shadow = _Shadow(known, chain, time, served or {}, partial)
    ground = Ground(time, agreed, _Budget(known), fresh, known.forked, shadow)
    return View(
        viewer.name,
        shared,
        tuple(agreed.values()),
        tuple(_hear(opened, tombstones, ground, knowledge, chain[-1])),
        tuple(find_registers(opened, Sighting, tombstones).values()),
        tuple(find_registers(opened, Opinion, tombstones).values()),
        tuple(find_questions(opened, tombstones, time)),
        tuple(find_receipts(opened, viewer.name, knowledge, chain)),
        tuple(find_faults([one for one in opened if one.time is not None], agreed, knowledge)),
        tuple(shut),
    )


def as_served(known: Known, notes: Mapping[str, Note]) -> dict[str, Stamped]:
    """Take of the checkpoints that logs serve those of trees that are held, as stamps under the charter in force."""
    found = {}
    for origin, note in notes.items():
        try:
            tree = parse_checkpoint(note.text)
        except FormatError:
            continue
        log = known.logs.get(origin)
        if log and tree.origin == origin and roots_at(log, {tree.size}).get(tree.size) == tree.root:
            found[origin] = Stamped(tree.size, tree.size, known.charter.text.version, known.charter.hash, note)
    return found


def _synced(served: Mapping[str, Stamped], charter: Charter, clock: Clock) -> dict[str, int]:
    times = {origin: clock(stamp, charter) for origin, stamp in served.items() if stamp.charter == charter.hash}
    return {origin: time for origin, time in times.items() if time is not None}


def find_fresh(
    known: Known, chain: Sequence[Charter], ends: Mapping[str, int], time: int, synced: Mapping[str, int]
) -> frozenset[str]:
    """Name the authors of whom all is known up to a recent time: their logs to their ends, and the one now in force."""
    since = time - chain[-1].text.constants.fresh
    fresh, behind = set(), set()
    for origin, (author, _) in authors_of(chain).items():
        timeline, log = known.times.get(origin), known.logs.get(origin)
        if origin in chain[-1].members:
            last = max(timeline.line().last if timeline else -1, synced.get(origin, -1))
            fresh |= {author} if last >= since else set()
        elif (log.size if log else 0) < ends.get(origin, 0):
            behind.add(author)
    return frozenset(fresh - behind)


class _Budget:
    """Tells how many alarms a day the charter allows that the alarm's own stamp names."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._stamps = {o: [s for s in timeline.stamps if not s.late] for o, timeline in known.times.items()}

    def __call__(self, one: Opened) -> int:
        stamps = self._stamps[one.origin]
        stamp = stamps[bisect_right(stamps, one.index, key=lambda s: s.size)]
        return self._known.chain[stamp.version].text.constants.budget


class _Shadow:
    """Tells since when an alarm without a time has the cosignatures of all parties of its agreement."""

    def __init__(
        self, known: Known, chain: Sequence[Charter], time: int, served: Mapping[str, Stamped], partial: Partial
    ) -> None:
        self._known, self._chain, self._time, self._served, self._partial = known, chain, time, served, partial

    def __call__(self, one: Opened, agreed: Agreed) -> int | None:
        served = (self._served[one.origin],) if one.origin in self._served else ()
        for stamp in (*self._known.logs[one.origin].stamps, *served):
            if stamp.size > one.index and stamp.version < len(self._chain):
                charter = self._chain[stamp.version]
                at = self._partial(stamp, charter, agreed.terms.parties) if charter.hash == stamp.charter else None
                if at is not None and at <= self._time:
                    return at
        return None


def _hear(
    opened: Sequence[Opened], tombstones: Tombstones, ground: Ground, knowledge: Knowledge, head: Charter
) -> list[Heard]:
    judged = judge(opened, tombstones, ground)
    living = {one.digest for one, status, _ in judged if status in (HEARD, STALE, REPLACED)}
    independent = find_independent(opened, living, tombstones, knowledge)
    side_of = {member.name: side.name for side in head.text.sides for member in side.members}
    heard = []
    for one, status, why in judged:
        names = independent.get(one.form.subject, ()) if isinstance(one.form, Alarm) else ()
        sides = tuple(sorted({side_of[name] for name in names if name in side_of}))
        heard.append(Heard(one, status, why, names, sides))
    return heard


def find_questions(opened: Sequence[Opened], tombstones: Tombstones, time: int) -> Iterable[Question]:
    """Tell of every private inquiry and addressee whether it is answered, open or overdue; as for shared ones."""
    answers: dict[tuple[str, str], list[Opened]] = {}
    for one in opened:
        if isinstance(one.form, PrivateAnswer) and one.time is not None:
            answers.setdefault((one.form.target, one.author), []).append(one)
    for one in opened:
        form = one.form
        if isinstance(form, PrivateInquiry) and one.time and (one.author, one.digest) not in tombstones.timed:
            for to in one.audience:
                found = tuple(answers.get((one.digest, to), ()))
                in_time = any((a.time or 0) <= form.deadline for a in found)
                yield Question(one, to, found, _status(in_time, time > form.deadline))


def _status(answered: bool, late: bool) -> str:
    return "answered" if answered else "overdue" if late else "open"


def find_receipts(
    opened: Sequence[Opened], author: str, knowledge: Knowledge, chain: Sequence[Charter]
) -> Iterable[Acknowledged]:
    """Tell of every body of an author's own who has shown to hold it: by a receipt, or an anchor that covers it."""
    names = authors_of(chain)
    for one in opened:
        if one.author == author and not isinstance(one.form, Receipt):
            told = {r.author for r in opened if isinstance(r.form, Receipt) and r.form.target == one.digest}
            seen = {n for o, (n, _) in names.items() if knowledge.covering(o, _END, one.origin, one.index)}
            yield Acknowledged(one, tuple(sorted((told | seen) & set(one.audience))))


_END = 2**53
