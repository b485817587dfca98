"""Bursts: an hour of an account far above what anybody else's hours look like."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow.compute as pc

from tocsin.screen.behaviour import AccountFinding, Behaviour

LEAST_EVENTS = 40
TIMES_USUAL = 8.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BurstDetector:
    """Speak of an account whose busiest hour is many times the usual busiest hour of the accounts that ask anything.

    Heavy use is no misuse: severity 1, a supporting sign; 2 where rules spoke of a tenth of what the account asked.
    """

    name: ClassVar[str] = "burst"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account with such an hour, dated at its first such hour."""
        peaks = behaviour.activity.pace["peak"]
        usual = float(np.median(peaks)) if len(peaks) else 0.0
        high = behaviour.activity.pace.filter(pc.greater_equal(peaks, max(LEAST_EVENTS, TIMES_USUAL * usual)))
        for pace in high.to_pylist():
            kind = behaviour.kind_of.get(pace["account"])
            facts = f"events_in_one_hour={pace['peak']} usual={usual:.0f}"
            time = _EPOCH + timedelta(hours=pace["peak_hour"])
            yield AccountFinding(pace["account"], time, kind or "M13", 2 if kind else 1, 0.4, facts)
