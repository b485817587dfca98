"""Hearing alarms (rules 15, 16, 18, 22 to 24): which count, which do not and why, and who saw the same on its own."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.coalition.agreements import Agreed
from tocsin.coalition.anchors import Knowledge
from tocsin.coalition.charter import Charter
from tocsin.coalition.opening import Opened
from tocsin.coalition.reading import Stamped
from tocsin.forms.bodies import Alarm, BodyForm, Opinion, Receipt, Retraction, Sighting
from tocsin.forms.errors import TocsinError
from tocsin.forms.terms import check_alarm
from tocsin.ledger import cosigned_by

DAY = 86_400
Partial = Callable[[Stamped, Charter, Collection[str]], int | None]
"""Tells when the mirrors of some members had all cosigned a stamp; None where one has not."""

HEARD, SHADOW, WAITING = "heard", "shadow", "waiting"
SURPLUS, OUTSIDE, RETRACTED, REPLACED = "surplus", "outside", "retracted", "replaced"
EXPIRED, STALE, STOPPED = "expired", "stale", "stopped"
STATUSES = {
    HEARD: "it counts: with evidence of one's own it may have an effect",
    SHADOW: "only the parties' mirrors have cosigned it: it has no effect until all sides have",
    WAITING: "no quorum has cosigned it yet",
    SURPLUS: "its author had issued as many that day as the charter lets be heard",
    OUTSIDE: "no agreement that was in force allows it",
    RETRACTED: "its author has taken it back",
    REPLACED: "its author has issued a later version",
    EXPIRED: "its expiry has passed",
    STALE: "its author's log has no recent cosignature: it might be retracted there",
    STOPPED: "its author's log has branched, or a retraction waits in it for its time",
}
"""What becomes of an alarm, and why."""


@dataclass(frozen=True)
class Heard:
    """An alarm and what became of it. `independent`: authors that saw its subject before they heard of it."""

    said: Opened
    status: str
    why: str
    independent: tuple[str, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Ground:
    """What alarms are judged by, all as of one time."""

    time: int
    agreed: Mapping[str, Agreed]
    budget: Callable[[Opened], int]
    fresh: Collection[str]
    forked: Collection[str]
    shadow: Callable[[Opened, Agreed], int | None]


def cosigned_by_parties(stamp: Stamped, charter: Charter, parties: Collection[str]) -> int | None:
    """Tell when the mirrors of some members of a charter had all cosigned a stamp."""
    try:
        times = cosigned_by(stamp.note, charter.policy)
    except TocsinError:
        return None
    found = [max((time for name, time in times.items() if name.split("/")[0] == one), default=0) for one in parties]
    return max(found) if all(found) else None


def find_surplus(alarms: Iterable[Opened], budget: Callable[[Opened], int]) -> set[str]:
    """Name, by digest, the alarms beyond their author's budget: counted by day, in order (time, index)."""
    counts: dict[tuple[str, int], int] = {}
    surplus = set()
    for one in sorted(alarms, key=lambda o: (o.time or 0, o.place)):
        if one.time is not None:
            day = one.author, one.time // DAY
            counts[day] = counts.get(day, 0) + 1
            if counts[day] > budget(one):
                surplus.add(one.digest)
    return surplus


@dataclass(frozen=True)
class Tombstones:
    """What its own author has taken back, by (author, digest): with a time, or with none yet."""

    timed: frozenset[tuple[str, str]]
    waiting: frozenset[tuple[str, str]]


def find_tombstones(opened: Iterable[Opened]) -> Tombstones:
    """Gather retractions; where they stand in their author's logs does not matter."""
    found: tuple[set[tuple[str, str]], set[tuple[str, str]]] = (set(), set())
    for one in opened:
        if isinstance(one.form, Retraction):
            found[one.time is None].add((one.author, one.form.target))
    return Tombstones(frozenset(found[0]), frozenset(found[1]))


def family(one: Opened) -> tuple[str, str]:
    """Name all versions of a body: its author and the digest of the first one."""
    return one.author, (one.form.replaces if isinstance(one.form, Alarm) else "") or one.digest


def find_registers(
    opened: Iterable[Opened], kind: type[BodyForm], tombstones: Tombstones
) -> dict[tuple[str, str], Opened]:
    """Fill the registers of sightings or opinions, by author and target: the later wins, a tombstone beats it."""
    found: dict[tuple[str, str], Opened] = {}
    for one in sorted((o for o in opened if o.time is not None), key=lambda o: o.place):
        if isinstance(one.form, kind) and isinstance(one.form, Sighting | Opinion):
            target = one.form.subject if isinstance(one.form, Sighting) else one.form.target
            found[one.author, target] = one
    return {key: one for key, one in sorted(found.items()) if (one.author, one.digest) not in tombstones.timed}


def judge(opened: Sequence[Opened], tombstones: Tombstones, ground: Ground) -> list[tuple[Opened, str, str]]:
    """Tell of every alarm what becomes of it, and why."""
    alarms = [one for one in opened if isinstance(one.form, Alarm)]
    surplus = find_surplus(alarms, ground.budget)
    first = {one.digest: _admit(one, surplus, ground) for one in alarms}
    kept = [one for one in alarms if first[one.digest][0] == HEARD]
    latest = {family(one): one.digest for one in sorted(kept, key=lambda o: o.place)}
    dead = {family(one) for one in alarms if _targets(one) & tombstones.timed}
    dying = {family(one) for one in alarms if _targets(one) & tombstones.waiting}
    judged = []
    for one in alarms:
        status, why = first[one.digest]
        if status in (HEARD, SHADOW):
            status = _settle(one, status, latest, dead, dying, ground)
            why = STATUSES[status]
        judged.append((one, status, why))
    return judged


def _targets(one: Opened) -> set[tuple[str, str]]:
    return {(one.author, one.digest), family(one)}


def _admit(one: Opened, surplus: Collection[str], ground: Ground) -> tuple[str, str]:
    """Judge an alarm by itself: its time, its author's budget, its agreement."""
    form = one.form
    agreed = ground.agreed.get(form.agreement) if isinstance(form, Alarm) else None
    time = one.time
    if time is None and agreed and agreed.terms.quorum == "parties":
        time = ground.shadow(one, agreed)
    if time is None or time > ground.time:
        return WAITING, STATUSES[WAITING]
    if one.digest in surplus:
        return SURPLUS, STATUSES[SURPLUS]
    if agreed is None or not isinstance(form, Alarm) or not agreed.holds(time):
        return OUTSIDE, STATUSES[OUTSIDE]
    try:
        check_alarm(form, agreed.terms, one.author, one.audience, time)
    except TocsinError as error:
        return OUTSIDE, str(error)
    status = HEARD if one.time is not None else SHADOW
    return status, STATUSES[status]


def _settle(
    one: Opened,
    status: str,
    latest: Mapping[tuple[str, str], str],
    dead: Collection[tuple[str, str]],
    dying: Collection[tuple[str, str]],
    ground: Ground,
) -> str:
    """Judge an admitted alarm by what else its author said, and by how far its logs are known."""
    if family(one) in dead:
        return RETRACTED
    if status == HEARD and latest[family(one)] != one.digest:
        return REPLACED
    if isinstance(one.form, Alarm) and one.form.expiry <= ground.time:
        return EXPIRED
    if one.origin in ground.forked or family(one) in dying:
        return STOPPED
    return status if status == SHADOW or one.author in ground.fresh else STALE


def find_independent(
    opened: Sequence[Opened], living: Collection[str], tombstones: Tombstones, knowledge: Knowledge
) -> dict[str, tuple[str, ...]]:
    """Name for every subject the authors that saw it on their own, before they heard of it from another.

    Counted are alarms in `living` (digests) and sightings that are not taken back and name no alarm that they derive
    from. One counts if its time is not after that of any other author's word on the subject that was addressed to its
    author, or an anchor before that word shows it; and if its author's logs show no knowledge of that word before it.
    """
    seen = find_registers(opened, Sighting, tombstones)
    receipts = [one for one in opened if isinstance(one.form, Receipt)]
    words: dict[str, list[Opened]] = {}
    for one in opened:
        if one.time is not None and _subject(one):
            words.setdefault(_subject(one), []).append(one)
    return {
        subject: tuple(
            sorted({o.author for o in said if _is_own(o, living, seen) and _first(o, said, receipts, knowledge)})
        )
        for subject, said in sorted(words.items())
    }


def _is_own(one: Opened, living: Collection[str], seen: Mapping[tuple[str, str], Opened]) -> bool:
    """Tell whether a word rests on evidence of its author's own; a later sighting of none or a tombstone undoes it."""
    form = one.form
    if isinstance(form, Alarm):
        return one.digest in living and not form.derived
    now = seen.get((one.author, _subject(one)))
    lasting = now is not None and isinstance(now.form, Sighting) and now.form.count > 0
    return lasting and isinstance(form, Sighting) and form.count > 0 and not form.derived


def _first(one: Opened, said: Sequence[Opened], receipts: Sequence[Opened], knowledge: Knowledge) -> bool:
    """Tell whether a word was sealed before its author can have heard any other on the subject."""
    others = (o for o in said if o.author != one.author and one.author in o.audience)
    return all(_before(one, o, receipts, knowledge) for o in others)


def _before(one: Opened, other: Opened, receipts: Sequence[Opened], knowledge: Knowledge) -> bool:
    """Compare by what the logs show first, by times only where they show nothing."""
    if _had(one, other, receipts, knowledge):
        return False
    shown = knowledge.covering(other.origin, other.index, one.origin, one.index, bare=True)
    return shown is not None or (one.time or 0) <= (other.time or 0)


def _subject(one: Opened) -> str:
    return one.form.subject if isinstance(one.form, Alarm | Sighting) else ""


def _had(one: Opened, other: Opened, receipts: Sequence[Opened], knowledge: Knowledge) -> bool:
    """Tell whether the author of one had shown in its logs, before it, that it had the other."""
    if knowledge.covering(one.origin, one.index, other.origin, other.index):
        return True
    return any(
        isinstance(r.form, Receipt) and r.form.target == other.digest and r.author == one.author and r.place < one.place
        for r in receipts
    )
