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
    stamps, stalled = _cosigned(prefix, chain, clock)
    reach = max((stamp.size for stamp in stamps), default=0)
    return Timeline(tuple(stamp for stamp in stamps if stamp.index < reach), stalled, reach)


def _cosigned(prefix: Prefix, chain: Sequence[Charter], clock: Clock) -> tuple[list[Counted], bool]:
    """Find the stamps that a quorum cosigned, up to the first that names a version not yet known."""
    counted: list[Counted] = []
    last = Counted(0, 0, 0, False, -1)
    for stamp in prefix.stamps:
        if stamp.version >= len(chain):
            return counted, True
        charter = chain[stamp.version]
        if stamp.charter != charter.hash or stamp.version < last.version or prefix.origin not in charter.members:
            continue
        time = clock(stamp, charter)
        if time is None or time < last.time or stamp.size < last.size:
            continue
        last = Counted(stamp.size, time, stamp.version, time > charter.text.expiry, stamp.index)
        counted.append(last)
    return counted, False
