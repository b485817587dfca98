"""Group findings into cases, one an account with its sessions inside, link them into campaigns, and rank them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import log2, prod
from typing import Any

import pyarrow as pa

from tocsin.cases.allow import Allowance, allowed
from tocsin.cases.link import Link, campaigns_of
from tocsin.cases.words import why
from tocsin.forms import CASES, digest_id
from tocsin.standard import Standard

CASE_SEVERITY = 3
WEAK_SEVERITY = 2
WEAK_VOICES = 2  # different detectors or rules of severity 2 that make a case together
REACH_WEIGHT = 0.3
Finding = dict[str, Any]
_COLUMNS = ["event_id", "account", "session", "time", "detector", "rule", "kind", "severity", "score", "evidence"]


@dataclass(frozen=True)
class Case:
    """Hold the findings judged together: of one account, else of one session, else of one event."""

    account: str | None
    key: str
    findings: tuple[Finding, ...]

    @cached_property
    def id(self) -> str:
        """The same account is the same case in every run."""
        return digest_id("C", "account" if self.account else "unnamed", self.key)

    @cached_property
    def severity(self) -> int:
        """The gravest finding's severity."""
        return max(f["severity"] for f in self.findings)

    @cached_property
    def strength(self) -> float:
        """The chance that not every voice errs; a voice counts once, by its surest finding."""
        best: dict[str, float] = {}
        for f in self.findings:
            best[_voice(f)] = max(best.get(_voice(f), 0.0), f["score"])
        return 1 - prod(1 - s for s in best.values())

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds, gravest and most frequent first."""
        weight: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for f in self.findings:
            top, count = weight[f["kind"]]
            weight[f["kind"]] = max(top, f["severity"]), count + 1
        return tuple(sorted(weight, key=lambda k: (-weight[k][0], -weight[k][1], k)))

    @cached_property
    def strongest(self) -> Finding:
        """The finding that speaks clearest."""
        return min(self.findings, key=lambda f: (f["rule"] is None, -f["severity"], -f["score"], f["time"], str(f["event_id"])))

    def is_worth_judging(self) -> bool:
        """Say whether a person should look: one grave finding, or several weak voices."""
        weak = {_voice(f) for f in self.findings if f["severity"] >= WEAK_SEVERITY}
        return self.severity >= CASE_SEVERITY or len(weak) >= WEAK_VOICES


def build_cases(
    findings: pa.Table, activity: pa.Table, standard: Standard, *, allowances: Sequence[Allowance] = (), today: date
) -> pa.Table:
    """Build the ranked CASES of a run from its FINDINGS and merged ACTIVITY; the order of rows does not matter."""
    rows = (f for f in findings.select(_COLUMNS).to_pylist() if not allowed(f, allowances, today))
    cases = [case for case in _group(rows) if case.is_worth_judging()]
    links = campaigns_of({c.account: c.kinds[0] for c in cases if c.account}, activity)
    ranked = sorted(cases, key=lambda c: (-_weight(c, links), c.id))
    return pa.Table.from_pylist([_row(c, n, links, standard) for n, c in enumerate(ranked, start=1)], schema=CASES)


def _group(rows: Iterable[Finding]) -> Iterator[Case]:
    groups: dict[tuple[str | None, str], list[Finding]] = defaultdict(list)
    for row in rows:
        groups[row["account"], row["account"] or row["session"] or row["event_id"]].append(row)
    for (account, key), group in groups.items():
        group.sort(key=lambda f: (f["time"], str(f["event_id"]), _voice(f)))
        yield Case(account, key, tuple(group))


def _voice(finding: Finding) -> str:
    return finding["rule"] or finding["detector"]


def _weight(case: Case, links: Mapping[str, Link]) -> float:
    return round(case.severity + case.strength + REACH_WEIGHT * log2(_reach(case, links)), 6)


def _reach(case: Case, links: Mapping[str, Link]) -> int:
    link = links.get(case.account or "")
    return link.reach if link else 1


def _row(case: Case, rank: int, links: Mapping[str, Link], standard: Standard) -> dict[str, Any]:
    link = links.get(case.account or "")
    sentence = why(case.findings, case.kinds, link, standard)
    return {
        "case_id": case.id,
        "campaign_id": link.campaign if link else None,
        "rank": rank,
        "kinds": list(case.kinds),
        "accounts": [case.account] if case.account else [],
        "sessions": sorted({f["session"] for f in case.findings if f["session"]}),
        "severity": case.severity,
        "strength": case.strength,
        "reach": _reach(case, links),
        "findings": len(case.findings),
        "rules": sorted({f["rule"] for f in case.findings if f["rule"]}),
        "links": list(link.values) if link else [],
        "first": case.findings[0]["time"],
        "last": max(f["time"] for f in case.findings),
        "why_en": sentence.en,
        "why_zh": sentence.zh,
        "excerpt": case.strongest["evidence"] if case.strongest["rule"] else None,
    }
