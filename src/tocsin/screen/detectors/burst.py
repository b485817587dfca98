"""Bursts: an hour of an account far above what anybody else's hours look like."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
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
        peaks = _peaks(behaviour.measure("hour"))
        usual = float(np.median(peaks["events"])) if len(peaks) else 0.0
        high = peaks.filter(pc.greater_equal(peaks["events"], max(LEAST_EVENTS, TIMES_USUAL * usual)))
        for peak in high.to_pylist():
            kind = behaviour.kind_of.get(peak["account"])
            facts = f"events_in_one_hour={peak['events']} usual={usual:.0f}"
            time = _EPOCH + timedelta(hours=peak["hour"])
            yield AccountFinding(peak["account"], time, kind or "M13", 2 if kind else 1, 0.4, facts)


def _peaks(hours: pa.Table) -> pa.Table:
    """Keep each account's busiest hour, of equals the first; accounts that ask nothing have none."""
    busy = hours.filter(pc.greater(hours["events"], 0))
    table = pa.table({"account": busy["account"], "events": busy["events"], "hour": pc.cast(busy["value"], pa.int64())})
    ordered = table.sort_by([("account", "ascending"), ("events", "descending"), ("hour", "ascending")])
    firsts = ordered.group_by("account", use_threads=False).aggregate([("events", "first"), ("hour", "first")])
    return firsts.rename_columns({"events_first": "events", "hour_first": "hour"})
