"""Time: what stamps prove (rules 6 to 8). A log's time is what the charter's quorum of mirrors says, never its own."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.coalition.charter import Charter
from tocsin.coalition.reading import Prefix, Stamped
from tocsin.forms.errors import TocsinError
from tocsin.ledger import cosigned_by, quorum_time

Clock = Callable[[Stamped, Charter], int | None]
"""Tells when a charter's quorum of mirrors had cosigned a stamp; None where it has not."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A stamp that counts: it gives every entry below `size` the time. `late`: its charter had expired by then."""

    size: int
    time: int
    version: int
    late: bool
    index: int


@dataclass(frozen=True)
class Timeline:
    """The stamps of one log that count, in its order; `stalled` where the next one names a charter not yet known.

    `reach`: how many entries a quorum proves to be the log's, by a stamp that counts or that only wants a later one.
    """

    stamps: tuple[Counted, ...] = ()
    stalled: bool = False
    reach: int = 0

    def line(self, slot: int | None = None, until: int | None = None, end: int | None = None) -> "Line":
        """Give the times for state, or for votes on the successor of version `slot`: the late ones count there.

        Of a log that was ended, stamps that stand at its `end` or past it are void as everything there is.
        """
        kept = [s for s in self.stamps if not s.late or s.version == slot]
        kept = kept if until is None else [s for s in kept if s.time <= until]
        kept = kept if end is None else [s for s in kept if s.index < end]
        return Line(tuple(s.size for s in kept), tuple(s.time for s in kept))


@dataclass(frozen=True, slots=True)
class Line:
    """Sizes and times of stamps, neither ever falling."""

    sizes: tuple[int, ...]
    times: tuple[int, ...]

    def time(self, index: int) -> int | None:
        """Tell the time of an entry; None where it has none."""
        at = bisect_right(self.sizes, index)
        return self.times[at] if at < len(self.times) else None

    @property
    def last(self) -> int:
        """Tell the last time of the log; -1 where it has none."""
        return self.times[-1] if self.times else -1


def cosigned_time(stamp: Stamped, charter: Charter) -> int | None:
    """Tell when a charter's quorum had cosigned a stamp, within its band; None where it has not."""
    try:
        times = cosigned_by(stamp.note, charter.policy)
    except TocsinError:
        return None
    return quorum_time(charter.policy, times, charter.text.constants.band)


def count_stamps(prefix: Prefix, chain: Sequence[Charter], clock: Clock) -> Timeline:
    """Find the stamps of a log that count.

    One that names a version not yet known ends the reading: whether those after it count depends on it. So times
    never change when the chain grows. One that no later one proves does not count yet: its author could still show
    another in its place, with other times, and no mirror would have lied.
    """
    counter = StampCounter(prefix.origin)
    counter.advance(prefix.stamps, chain, clock)
    return counter.timeline()


class StampCounter:
    """Counts the stamps of one log as log and chain grow; each stamp's cosignatures are checked once."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._at = 0
        self._stalled = False
        self._cosigned: list[Counted] = []
        self.counted: list[Counted] = []

    def timeline(self) -> Timeline:
        """Give what counts so far."""
        return Timeline(tuple(self.counted), self._stalled, self._last.size)

    def advance(self, stamps: Sequence[Stamped], chain: Sequence[Charter], clock: Clock) -> list[Counted]:
        """Go on through a log's stamps, of which the first are those seen before; give those that count anew."""
        before = len(self.counted)
        self._stalled = False
        while self._at < len(stamps) and not self._stalled:
            if stamps[self._at].version >= len(chain):
                self._stalled = True
            else:
                self._take(stamps[self._at], chain[stamps[self._at].version], clock)
                self._at += 1
        self._prove()
        return self.counted[before:]

    @property
    def _last(self) -> Counted:
        return self._cosigned[-1] if self._cosigned else _NONE

    def _prove(self) -> None:
        """Count those that a later one covers."""
        waiting = self._cosigned[len(self.counted) :]
        self.counted += [stamp for stamp in waiting if stamp.index < self._last.size]

    def _take(self, stamp: Stamped, charter: Charter, clock: Clock) -> None:
        last = self._last
        if stamp.charter != charter.hash or stamp.version < last.version or self._origin not in charter.members:
            return
        time = clock(stamp, charter)
        if time is not None and time >= last.time and stamp.size >= last.size:
            late = time > charter.text.expiry
            self._cosigned.append(Counted(stamp.size, time, stamp.version, late, stamp.index))


_NONE = Counted(0, 0, 0, False, -1)
