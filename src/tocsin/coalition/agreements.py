"""Agreements (rule 17): in force once every party's log accepts their hash, until expiry or a party's ending."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tocsin.coalition.anchors import Knowledge
from tocsin.coalition.opening import Opened
from tocsin.forms.bodies import Agreement, Alarm, Ending
from tocsin.forms.errors import FormatError
from tocsin.forms.terms import Terms, parse_terms


@dataclass(frozen=True)
class Agreed:
    """Terms, who has accepted them and where, and the endings by parties; all with a time."""

    hash: str
    terms: Terms
    accepted: tuple[Opened, ...]
    endings: tuple[Opened, ...]

    @property
    def since(self) -> int | None:
        """Tell since when all parties have accepted; None where some has not."""
        times = {one.author: one.time for one in reversed(self.accepted) if one.time is not None}
        return max(times.values()) if set(self.terms.parties) == times.keys() else None

    @property
    def until(self) -> int:
        """Tell until when it is in force: its expiry, or the first ending."""
        return min([self.terms.expiry, *(one.time for one in self.endings if one.time is not None)])

    def holds(self, time: int) -> bool:
        """Tell whether it was in force at a time."""
        since = self.since
        return since is not None and since <= time < self.until

    def status(self, time: int) -> str:
        """Say how it stands: offered, in force, ended, expired."""
        if any(one.time is not None and one.time <= time for one in self.endings):
            return "ended"
        if time >= self.terms.expiry:
            return "expired"
        return "in force" if self.holds(time) else "offered"


@dataclass(frozen=True)
class Fault:
    """An alarm that its author sent though it had shown, by `anchor` in its own log, to know of the `ending`.

    `anchor`: None where the ending is the author's own.
    """

    alarm: Opened
    ending: Opened
    anchor: int | None


def find_agreements(opened: Iterable[Opened]) -> dict[str, Agreed]:
    """Gather agreements by the hash of their terms. Only parties accept and end, and they accept before all parties."""
    timed = sorted((o for o in opened if o.time is not None), key=lambda o: (o.time, o.author, o.place))
    terms: dict[str, Terms] = {}
    accepted: dict[str, list[Opened]] = {}
    for one in timed:
        found = _terms(one)
        if found and set(found.parties) == {one.author, *one.audience}:
            terms.setdefault(found.hash, found)
            accepted.setdefault(found.hash, []).append(one)
    endings: dict[str, list[Opened]] = {}
    for one in timed:
        known = terms.get(one.form.agreement) if isinstance(one.form, Ending) else None
        if known and one.author in known.parties:
            endings.setdefault(known.hash, []).append(one)
    return {h: Agreed(h, terms[h], tuple(accepted[h]), tuple(endings.get(h, ()))) for h in sorted(terms)}


def _terms(one: Opened) -> Terms | None:
    if not isinstance(one.form, Agreement):
        return None
    try:
        return parse_terms(one.form.terms)
    except FormatError:
        return None


def find_faults(alarms: Sequence[Opened], agreed: dict[str, Agreed], knowledge: Knowledge) -> Iterator[Fault]:
    """Find alarms whose author knew that their agreement had ended: its own log says so, before them."""
    for alarm in alarms:
        known = agreed.get(alarm.form.agreement) if isinstance(alarm.form, Alarm) else None
        for ending in known.endings if known else ():
            if ending.author == alarm.author:
                if ending.place < alarm.place:
                    yield Fault(alarm, ending, None)
                    break
                continue
            saw = knowledge.covering(alarm.origin, alarm.index, ending.origin, ending.index)
            if saw:
                yield Fault(alarm, ending, saw.index)
                break
