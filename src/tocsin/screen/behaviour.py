"""What behaviour detectors share: the merged view of a run, and how a finding about an account is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import FINDINGS
from tocsin.screen.tally import Activity
from tocsin.screen.templates import Template
from tocsin.screen.together import Arrivals, came_together

Places = NDArray[np.int64]

IN_COMMON = pa.array(["client", "device", "network", "payment"])


@dataclass(frozen=True)
class Behaviour:
    """Hold a run's activity, its templates, and the kind of each account that rules spoke of often enough.

    There may be very many accounts: they stay in arrays, where each has a place.
    """

    activity: Activity
    templates: Sequence[Template]
    kind_of: Mapping[str, str]

    def measure(self, name: str) -> pa.Table:
        """Select the rows of one measure."""
        rows = self.activity.rows
        return rows.filter(pc.equal(rows["measure"], name))

    @cached_property
    def in_common(self) -> pa.Table:
        """Select which accounts have which device, client, payment and network: measure, value, account."""
        rows = self.activity.rows.select(["measure", "value", "account"])
        return rows.filter(pc.is_in(rows["measure"], IN_COMMON))

    @cached_property
    def asked(self) -> Places:
        """Count the user turns of every account, by place."""
        return np.asarray(self._accounts["events"])

    @cached_property
    def misused(self) -> NDArray[np.bool_]:
        """Say by place whose kind is known."""
        mask = np.zeros(len(self.asked), dtype=bool)
        mask[self.places(pa.array(self.kind_of, pa.string()))] = True
        return mask

    def places(self, accounts: pa.Array | pa.ChunkedArray) -> Places:
        """Find the places of accounts."""
        return np.asarray(pc.index_in(accounts, self._accounts["account"].combine_chunks())).astype(np.int64)

    def users(self) -> Iterator[tuple[Template, Places]]:
        """Yield every template with the places of its accounts, in the order of its uses."""
        everywhere, marks = self._users
        for i, template in enumerate(self.templates):
            yield template, everywhere[marks[i] : marks[i + 1]]

    def on_one_template(self, places: Places) -> int:
        """Count those of some accounts that use the template that most of them use."""
        templates, marks = self._used
        used = [templates[marks[place] : marks[place + 1]] for place in places.tolist()]
        return int(np.bincount(np.concatenate(used)).max(initial=0)) if used else 0

    def came_together(self, places: Places) -> bool:
        """Say whether most of the accounts signed up or appeared within a short stretch in which few others did."""
        return came_together(places, self._arrivals)

    @cached_property
    def _accounts(self) -> pa.Table:
        return self.measure("account")

    @cached_property
    def _users(self) -> tuple[Places, Places]:
        """Put the accounts of all templates in one row, and say where each template's begin."""
        names = pa.chunked_array([c for t in self.templates for c in t.uses["account"].chunks], pa.string())
        return self.places(names), _marks([t.accounts for t in self.templates])

    @cached_property
    def _used(self) -> tuple[Places, Places]:
        """Put the templates of all accounts in one row, and say where each account's begin."""
        places, marks = self._users
        template = np.repeat(np.arange(len(self.templates)), np.diff(marks))
        return template[np.argsort(places, kind="stable")], _marks(np.bincount(places, minlength=len(self.asked)))

    @cached_property
    def _arrivals(self) -> Arrivals:
        return Arrivals.read(self._accounts)


def _marks(counts: Places | Sequence[int]) -> Places:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


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
