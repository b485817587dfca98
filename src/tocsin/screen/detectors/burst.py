"""Bursts: an hour of an account far above what anybody else's hours look like."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np

from tocsin.screen.behaviour import AccountFinding, Behaviour

LEAST_EVENTS = 40
TIMES_USUAL = 8.0


@dataclass(frozen=True)
class BurstDetector:
    """Speak of an account whose busiest hour is many times the usual busiest hour of the run's accounts.

    Heavy use is no misuse: severity 1, a supporting sign; 2 where a rule of severity 2 or more spoke of the account too.
    """

    name: ClassVar[str] = "burst"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account with such an hour."""
        peaks: dict[str, tuple[int, int]] = {}
        for row in behaviour.measure("hour").to_pylist():
            peaks[row["account"]] = max(peaks.get(row["account"], (0, 0)), (row["events"], -int(row["value"])))
        usual = float(np.median([events for events, _ in peaks.values()])) if peaks else 0.0
        for account, (events, hour) in sorted(peaks.items()):
            if events >= max(LEAST_EVENTS, TIMES_USUAL * usual):
                kind = behaviour.kind_of.get(account)
                facts = f"events_in_one_hour={events} usual={usual:.0f}"
                time = datetime.fromtimestamp(-hour * 3600, UTC)
                yield AccountFinding(account, time, kind or "M13", 2 if kind else 1, 0.4, facts)
