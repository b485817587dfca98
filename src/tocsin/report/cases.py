"""Cases as cards, each with its strongest findings."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.charts.words import Said

CASES_SHOWN = 25
CASES_OF_A_CAMPAIGN = 3
EVIDENCE_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hold one finding as a card shows it."""

    rule: str | None
    detector: str
    kind: str
    severity: int
    time: datetime
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class CaseCard:
    """Hold what a report says of one case."""

    rank: int
    case_id: str
    campaign_id: str | None
    severity: int
    kinds: tuple[str, ...]
    accounts: tuple[str, ...]
    why: Said
    findings: int
    first: datetime
    last: datetime
    evidence: tuple[Evidence, ...]


def case_cards(cases: pa.Table, findings: pa.Table) -> tuple[list[CaseCard], int]:
    """Make a card for each of the first cases by rank, and count the others. Ranks are unique."""
    rows = cases.filter(pc.is_in(cases["rank"], pa.array(_chosen(cases), pa.int32()))).sort_by("rank").to_pylist()
    near = _near(findings, rows)
    return [_card(row, near) for row in rows], cases.num_rows - len(rows)


def _chosen(cases: pa.Table) -> list[int]:
    """Choose the first ranks, but of each campaign only its first few, so that one campaign cannot fill the list."""
    ordered = cases.select(["rank", "campaign_id"]).sort_by("rank")
    seen: Counter[str] = Counter()
    ranks: list[int] = []
    for rank, campaign in zip(ordered["rank"].to_pylist(), ordered["campaign_id"].to_pylist(), strict=True):
        if campaign is not None:
            seen[campaign] += 1
        if campaign is None or seen[campaign] <= CASES_OF_A_CAMPAIGN:
            ranks.append(rank)
        if len(ranks) == CASES_SHOWN:
            break
    return ranks


def _near(findings: pa.Table, rows: list[dict[str, Any]]) -> pa.Table:
    """Keep the findings that could belong to any of these cases, strongest first."""
    accounts = pa.array({a for r in rows for a in r["accounts"]}, pa.string())
    sessions = pa.array({s for r in rows for s in r["sessions"]}, pa.string())
    here = pc.or_(pc.is_in(findings["account"], accounts), pc.is_in(findings["session"], sessions))
    order = [("severity", "descending"), ("score", "descending"), ("time", "ascending"), ("event_id", "ascending"),
             ("rule", "ascending"), ("detector", "ascending"), ("span_start", "ascending")]  # fmt: skip
    return findings.filter(here).sort_by(order)


def _card(row: dict[str, Any], near: pa.Table) -> CaseCard:
    return CaseCard(
        rank=row["rank"],
        case_id=row["case_id"],
        campaign_id=row["campaign_id"],
        severity=row["severity"],
        kinds=tuple(row["kinds"]),
        accounts=tuple(row["accounts"]),
        why=Said(row["why_en"], row["why_zh"]),
        findings=row["findings"],
        first=row["first"],
        last=row["last"],
        evidence=_strongest(near.filter(_belongs(near, row))) or _only_excerpt(row),
    )


def _only_excerpt(row: dict[str, Any]) -> tuple[Evidence, ...]:
    """Fall back on the case's own excerpt: a case without account and session cannot be matched to its findings."""
    if row["excerpt"] is None:
        return ()
    rule, kind = next(iter(row["rules"]), None), next(iter(row["kinds"]), "")
    return (Evidence(rule, kind, kind, row["severity"], row["first"], row["excerpt"]),)


def _belongs(findings: pa.Table, row: dict[str, Any]) -> pa.ChunkedArray:
    """Match a case's findings: its account, or its session where no account is named, and one of its kinds."""
    account = pc.is_in(findings["account"], pa.array(row["accounts"], pa.string()))
    nobody = pc.is_null(findings["account"])
    session = pc.is_in(findings["session"], pa.array(row["sessions"], pa.string()))
    kind = pc.is_in(findings["kind"], pa.array(row["kinds"], pa.string()))
    return pc.and_(kind, pc.or_(account, pc.and_(nobody, session)))


def _strongest(findings: pa.Table) -> tuple[Evidence, ...]:
    """Take the strongest finding of each rule first, then further excerpts; never one excerpt twice."""
    found = [
        Evidence(r["rule"], r["detector"], r["kind"], r["severity"], r["time"], r["evidence"])
        for r in findings.slice(0, 500).to_pylist()
    ]
    found.sort(key=lambda e: (-e.severity, e.rule is None))  # an analyst wants words before figures
    by_rule = {(e.rule, e.detector): e for e in reversed(found)}
    by_excerpt: dict[str | None, Evidence] = {e.excerpt: e for e in reversed(found) if e.excerpt is not None}
    first = [e for e in found if by_rule[e.rule, e.detector] is e and by_excerpt.get(e.excerpt, e) is e]
    more = [e for e in found if e not in first and by_excerpt.get(e.excerpt) is e]
    return tuple((first + more)[:EVIDENCE_SHOWN])
