"""What behaviour detectors share: the merged view of a run, and how a finding about an account is written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import FINDINGS
from tocsin.screen.templates import Template

SIGNED_UP_WITHIN_HOURS = 72
FIRST_SEEN_WITHIN_HOURS = 24
TOGETHER_SHARE = 0.6


@dataclass(frozen=True)
class Behaviour:
    """Hold the merged ACTIVITY of a run, its templates, and the gravest kind that rules of severity 2 or more gave each account."""

    activity: pa.Table
    templates: Sequence[Template]
    kind_of: dict[str, str]

    def measure(self, name: str) -> pa.Table:
        """Select the rows of one measure."""
        return self.activity.filter(pc.equal(self.activity["measure"], name))

    @cached_property
    def accounts(self) -> dict[str, dict[str, object]]:
        """Give each account its own row of ACTIVITY."""
        return {row["account"]: row for row in self.measure("account").to_pylist()}

    def came_together(self, accounts: Sequence[str]) -> bool:
        """Say whether most of the accounts signed up within days, or where that is unknown, appeared within a day of a long run."""
        rows = [self.accounts[a] for a in accounts if a in self.accounts]
        signed = [r["signed_up"] for r in rows if r["signed_up"] is not None]
        if len(signed) >= TOGETHER_SHARE * len(rows):
            return _dense(signed, len(rows), SIGNED_UP_WITHIN_HOURS) and not self._usual_rate(len(rows))
        seen = [r["first"] for r in rows]
        return self._long_run and _dense(seen, len(rows), FIRST_SEEN_WITHIN_HOURS)

    def _usual_rate(self, count: int) -> bool:
        return count > len(self.accounts) / 2

    @cached_property
    def _long_run(self) -> bool:
        firsts = [r["first"] for r in self.accounts.values()]
        return bool(firsts) and _hours(min(firsts), max(firsts)) > 3 * 24  # type: ignore[type-var, arg-type]


@dataclass(frozen=True, slots=True)
class AccountFinding:
    """State what a behaviour detector found about one account; `facts` are figures, never content."""

    account: str
    time: datetime
    kind: str
    severity: int
    score: float
    facts: str
    event_id: str | None = None


class BehaviourDetector(Protocol):
    """Judge a whole run's merged behaviour."""

    name: ClassVar[str]
    version: ClassVar[str]

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield findings about accounts; the order does not matter."""
        ...


def write_findings(detector: BehaviourDetector, found: Iterable[AccountFinding], standard_version: str) -> pa.Table:
    """Write findings about accounts as FINDINGS, sorted, so that the same findings are the same bytes."""
    ordered = sorted(found, key=lambda f: (f.account, f.kind, f.facts))
    rows = [
        {
            "event_id": f.event_id,
            "account": f.account,
            "time": f.time,
            "detector": detector.name,
            "detector_version": detector.version,
            "kind": f.kind,
            "severity": f.severity,
            "score": f.score,
            "evidence": f.facts,
            "standard_version": standard_version,
        }
        for f in ordered
    ]
    return pa.Table.from_pylist(rows, schema=FINDINGS)


def _dense(times: Sequence[object], count: int, hours: int) -> bool:
    """Say whether some window of that many hours holds most of the times."""
    ordered = sorted(times)  # type: ignore[type-var]
    need = max(3, -(-int(count * TOGETHER_SHARE * 10) // 10))
    return any(_hours(ordered[i], ordered[i + need - 1]) <= hours for i in range(len(ordered) - need + 1))  # type: ignore[arg-type]


def _hours(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 3600
