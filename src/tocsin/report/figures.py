"""Counts over the findings, made in Arrow so that their number does not matter."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.charts.timeline import Timeline, timeline
from tocsin.report.reasons import same_reason
from tocsin.report.view import ReportInput

RULES_SHOWN = 15
KINDS_SHOWN = 20
REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Spoken:
    """Count one rule's findings, or one detector's where `rule` is None."""

    rule: str | None
    detector: str
    kind: str
    severity: int
    count: int


@dataclass(frozen=True, slots=True)
class KindRow:
    """Count one kind's findings by severity, 1 to 5."""

    kind: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Add up all severities."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Headline:
    """Hold the figures that open a report."""

    events: int
    findings: int
    cases: int
    campaigns: int
    rejected: int
    accounts: int
    sources: int
    first: datetime | None
    last: datetime | None


def headline(data: ReportInput) -> Headline:
    """Count what the report opens with; the time range is the traffic's, or the findings' where activity is absent."""
    people = data.activity.filter(pc.equal(data.activity["measure"], "account"))
    first, last = _range(people["first"], people["last"])
    if first is None:
        first, last = _range(data.findings["time"], data.findings["time"])
    return Headline(
        events=data.rows,
        findings=data.findings.num_rows,
        cases=data.cases.num_rows,
        campaigns=pc.count_distinct(data.cases["campaign_id"], mode="only_valid").as_py(),
        rejected=sum(data.reject_reasons.values()),
        accounts=pc.count_distinct(people["account"]).as_py(),
        sources=data.sources,
        first=first,
        last=last,
    )


def _range(first: pa.ChunkedArray, last: pa.ChunkedArray) -> tuple[datetime | None, datetime | None]:
    return moment(pc.min(first)), moment(pc.max(last))


def moment(value: pa.Scalar) -> datetime | None:
    """Read an Arrow time as UTC."""
    found: datetime | None = value.as_py()
    return None if found is None else found.astimezone(UTC)


def kinds_over_time(findings: pa.Table) -> Timeline | None:
    """Count findings by hour and kind, then fit the hours into bars."""
    hours = pc.floor_temporal(findings["time"], unit="hour")
    table = pa.table({"hour": hours, "kind": findings["kind"]})
    counted = table.group_by(["hour", "kind"]).aggregate([([], "count_all")])
    seconds = counted["hour"].cast(pa.int64()).to_numpy() // 1_000_000
    return timeline(seconds, counted["kind"].to_pylist(), counted["count_all"].to_numpy().astype(np.int64))


def spoken(findings: pa.Table) -> list[Spoken]:
    """Count findings by rule or detector, most first; severity is the highest that each gave."""
    keys = ["rule", "detector", "kind"]
    counted = _merge_detectors(findings).group_by(keys).aggregate([("severity", "max"), ([], "count_all")])
    rows = [Spoken(r["rule"], r["detector"], r["kind"], r["severity_max"], r["count_all"]) for r in counted.to_pylist()]
    return sorted(rows, key=lambda s: (-s.count, -s.severity, s.rule or "", s.detector, s.kind))


def _merge_detectors(findings: pa.Table) -> pa.Table:
    """Forget which detector a rule spoke through, so that each rule counts once."""
    is_rule = pc.is_valid(findings["rule"])
    detector = pc.if_else(is_rule, "", findings["detector"])
    return findings.select(["rule", "kind", "severity"]).append_column("detector", detector)


def kinds_by_severity(findings: pa.Table) -> list[KindRow]:
    """Count findings by kind and severity, largest kind first."""
    counted = findings.group_by(["kind", "severity"]).aggregate([([], "count_all")]).to_pylist()
    counts: dict[str, list[int]] = {}
    for row in counted:
        counts.setdefault(row["kind"], [0] * 5)[min(max(row["severity"], 1), 5) - 1] += row["count_all"]
    rows = [KindRow(kind, tuple(by)) for kind, by in counts.items()]
    return sorted(rows, key=lambda r: (-r.total, r.kind))


def reasons(rejects: Mapping[str, int]) -> list[tuple[str, int]]:
    """List why rows were rejected, most first."""
    merged: Counter[str] = Counter()
    for reason, rows in rejects.items():
        merged[same_reason(reason)] += rows
    return sorted(merged.items(), key=lambda pair: (-pair[1], pair[0]))
