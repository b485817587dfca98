"""Whether accounts came together: most of them within a short stretch of time in which few others came."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HOUR_US = 3_600_000_000
SIGNED_UP_WITHIN = 72 * HOUR_US
FIRST_SEEN_WITHIN = 24 * HOUR_US
LEAD = 72 * HOUR_US  # whoever is seen so early in a run was there before; a weekend fits in
LEAST_TOGETHER = 3

Micros = NDArray[np.int64]


UNKNOWN = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Times:
    """Hold one time an account, and the known ones in order. Units: µs since 1970; `UNKNOWN` where there is none."""

    of: Micros
    known: Micros

    @classmethod
    def holding(cls, of: Micros) -> "Times":
        """Put the known times in order."""
        known = np.sort(of)
        return cls(of, known[known.searchsorted(UNKNOWN, side="right") :])

    def within(self, start: int, width: int) -> int:
        """Count the times of everyone in a stretch, both ends included."""
        return int(self.known.searchsorted(start + width, side="right") - self.known.searchsorted(start))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Hold when accounts signed up, and when those that are not there from the start of a run were first seen."""

    signed_up: Times
    appeared: Times

    @classmethod
    def read(cls, accounts: pa.Table) -> "Arrivals":
        """Read them from the `account` rows of ACTIVITY."""
        first = _micros(accounts["first"])
        start = int(first.min()) if len(first) else 0
        late = np.where(first > start + LEAD, first, UNKNOWN)
        return cls(Times.holding(_micros(accounts["signed_up"])), Times.holding(late))


def came_together(group: NDArray[np.int64], everyone: Arrivals) -> bool:
    """Say whether the accounts at these places signed up within three days, or where most do not say, appeared in one.

    A group that is more than half of everyone came as everyone does.
    """
    signed_up = everyone.signed_up
    if 2 * len(group) > len(signed_up.of):
        return False
    if 5 * int((signed_up.of[group] != UNKNOWN).sum()) >= 3 * len(group):
        return _stand_out(group, signed_up, SIGNED_UP_WITHIN)
    return _stand_out(group, everyone.appeared, FIRST_SEEN_WITHIN)


def _stand_out(group: NDArray[np.int64], times: Times, width: int) -> bool:
    """Say whether a stretch holds three fifths of the group and at most a third of all others."""
    own = Times.holding(times.of[group])
    need = max(LEAST_TOGETHER, -(-3 * len(group) // 5))
    if len(own.known) < need:
        return False
    spans = own.known[need - 1 :] - own.known[: len(own.known) - need + 1]
    tightest = int(spans.argmin())
    if spans[tightest] > width:
        return False
    start = int(own.known[tightest])
    others = times.within(start, width) - own.within(start, width)
    return 3 * others <= len(times.of) - len(group)


def _micros(times: pa.ChunkedArray) -> Micros:
    whole = pc.cast(times, pa.int64()).combine_chunks()
    return np.asarray(pc.fill_null(whole, int(UNKNOWN)), dtype=np.int64)
