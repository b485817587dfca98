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

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Hold when accounts came; one place an account. Units: µs since 1970; `UNKNOWN` where a log does not say."""

    signed_up: Times
    first: Times

    @classmethod
    def of(cls, accounts: pa.Table) -> "Arrivals":
        """Read them from the `account` rows of ACTIVITY."""
        return cls(_micros(accounts["signed_up"]), _micros(accounts["first"]))


UNKNOWN = np.iinfo(np.int64).min


def came_together(group: NDArray[np.int64], everyone: Arrivals) -> bool:
    """Say whether the accounts at these places signed up within three days, or where most do not say, appeared in one.

    A group that is more than half of everyone came as everyone does. Those who are seen from the start of a run did not
    appear.
    """
    if 2 * len(group) > len(everyone.first):
        return False
    if 5 * int((everyone.signed_up[group] != UNKNOWN).sum()) >= 3 * len(group):
        return _stand_out(group, everyone.signed_up, SIGNED_UP_WITHIN)
    late = np.where(everyone.first > everyone.first.min() + LEAD, everyone.first, UNKNOWN)
    return _stand_out(group, late, FIRST_SEEN_WITHIN)


def _stand_out(group: NDArray[np.int64], times: Times, width: int) -> bool:
    """Say whether a stretch holds three fifths of the group and at most a third of all others."""
    own = np.sort(times[group])
    own = own[own != UNKNOWN]
    need = max(LEAST_TOGETHER, -(-3 * len(group) // 5))
    if len(own) < need:
        return False
    spans = own[need - 1 :] - own[: len(own) - need + 1]
    start = own[int(np.argmin(spans))]
    others = _within(times, start, width) - _within(own, start, width)
    return bool(spans.min() <= width and 3 * others <= len(times) - len(group))


def _within(times: Times, start: np.int64, width: int) -> int:
    return int(((times >= start) & (times <= start + width)).sum())


def _micros(times: pa.ChunkedArray) -> Times:
    whole = pc.cast(times, pa.int64()).combine_chunks()
    return np.asarray(pc.fill_null(whole, int(UNKNOWN)), dtype=np.int64)
