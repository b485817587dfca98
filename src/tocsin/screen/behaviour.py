"""What behaviour detectors share: the merged view of a run, and how a finding about an account is written."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import FINDINGS
from tocsin.screen.templates import Template
from tocsin.screen.together import Arrivals, came_together

IN_COMMON = pa.array(["client", "device", "network", "payment"])


@dataclass(frozen=True)
class Behaviour:
    """Hold the merged ACTIVITY of a run, its templates, and the kind of each account that rules spoke of often enough.

    Only `account` rows are held as Python values; the others, which may be nearly as many as events, stay in Arrow.
    """

    activity: pa.Table
    templates: Sequence[Template]
    kind_of: Mapping[str, str]

    def measure(self, name: str) -> pa.Table:
        """Select the rows of one measure."""
        return self.activity.filter(pc.equal(self.activity["measure"], name))

    @cached_property
    def in_common(self) -> pa.Table:
        """Select which accounts have which device, client, payment and network: measure, value, account."""
        rows = self.activity.filter(pc.is_in(self.activity["measure"], IN_COMMON))
        return rows.select(["measure", "value", "account"])

    @cached_property
    def events(self) -> Mapping[str, int]:
        """Count the user turns of every account."""
        return dict(zip(self._accounts["account"].to_pylist(), self._accounts["events"].to_pylist(), strict=True))

    @cached_property
    def templates_of(self) -> Mapping[str, Sequence[str]]:
        """Name the templates that an account used."""
        used: dict[str, list[str]] = defaultdict(list)
        for template in self.templates:
            for account in template.uses["account"].to_pylist():
                used[account].append(template.id)
        return used

    def came_together(self, accounts: Sequence[str]) -> bool:
        """Say whether most of the accounts signed up or appeared within a short stretch in which few others did."""
        return came_together(np.array([self._place[a] for a in accounts], dtype=np.int64), self._arrivals)

    @cached_property
    def _accounts(self) -> pa.Table:
        return self.measure("account")

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {account: i for i, account in enumerate(self.events)}

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals.read(self._accounts)


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
    ordered = sorted(found, key=lambda f: (f.account, f.kind, f.facts, f.time, f.event_id or ""))
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
