"""Group findings into cases, one an account with its sessions inside, link them into campaigns, and rank them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import log2, prod
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.cases.allow import Allowance, allowed
from tocsin.cases.link import Link, campaigns_of
from tocsin.cases.words import why
from tocsin.forms import CASES, MARK_OPEN, digest_id
from tocsin.standard import Standard

CASE_SEVERITY = 3
WEAK_SEVERITY = 2
WEAK_VOICES = (
    2  # rules of severity 2 that make a case together; all behaviour counts as one, for it looks at the same facts
)
WEAK_SHARE = 0.1  # of what was asked, which they must speak of: who asks much draws hints by chance
REACH_WEIGHT = 0.3
Finding = dict[str, Any]
_COLUMNS = ["event_id", "account", "session", "time", "detector", "rule", "kind", "severity", "score", "evidence"]


@dataclass(frozen=True)
class Case:
    """Hold the findings judged together: of one account, else of one session, else of one event."""

    sort: str  # account, session or event
    key: str
    findings: tuple[Finding, ...]
    asked: int = 0  # user turns of the account in the run, 0 where unknown

    @property
    def account(self) -> str | None:
        """The account, where the log names one."""
        return self.key if self.sort == "account" else None

    @cached_property
    def id(self) -> str:
        """The same account is the same case in every run."""
        return digest_id("C", self.sort, self.key)

    @cached_property
    def severity(self) -> int:
        """The gravest finding's severity."""
        return max(int(f["severity"]) for f in self.findings)

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
        return min(
            self.findings, key=lambda f: (f["rule"] is None, -f["severity"], -f["score"], f["time"], str(f["event_id"]))
        )

    def is_worth_judging(self) -> bool:
        """Say whether a person should look: one grave finding, or several weak voices often enough."""
        weak = [f for f in self.findings if f["severity"] >= WEAK_SEVERITY]
        voices = {f["rule"] or "behaviour" for f in weak}
        spoken = {f["event_id"] for f in weak if f["rule"]}
        often = len(spoken) >= WEAK_SHARE * self.asked
        return self.severity >= CASE_SEVERITY or (len(voices) >= WEAK_VOICES and often)


def build_cases(
    findings: pa.Table, activity: pa.Table, standard: Standard, *, allowances: Sequence[Allowance] = (), today: date
) -> pa.Table:
    """Build the ranked CASES of a run from its FINDINGS and merged ACTIVITY; the order of rows does not matter."""
    rows = (f for f in findings.select(_COLUMNS).to_pylist() if not allowed(f, allowances, today))
    cases = [case for case in _group(rows, _asked(activity, findings)) if case.is_worth_judging()]
    telling = activity.filter(pc.invert(_vouched(activity, allowances, today)))
    links = campaigns_of({c.account: c.kinds[0] for c in cases if c.account}, telling)
    ranked = sorted(cases, key=lambda c: (-_weight(c, links), c.id))
    return pa.Table.from_pylist([_row(c, n, links, standard) for n, c in enumerate(ranked, start=1)], schema=CASES)


def case_id_of(finding: Finding) -> str:
    """Name the case that a finding belongs to, if it is one."""
    return Case(*_about(finding), ()).id


def _about(finding: Finding) -> tuple[str, str]:
    sort = next(s for s in ("account", "session", "event_id") if finding[s] is not None)
    return sort, finding[sort]


def _group(rows: Iterable[Finding], asked: Mapping[str, int]) -> Iterator[Case]:
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for row in rows:
        groups[_about(row)].append(row)
    for (sort, key), group in groups.items():
        group.sort(key=lambda f: (f["time"], str(f["event_id"]), _voice(f)))
        yield Case(sort, key, tuple(group), asked.get(key, 0) if sort == "account" else 0)


def _asked(activity: pa.Table, findings: pa.Table) -> Mapping[str, int]:
    """Count what the accounts with findings asked."""
    own = pc.and_(
        pc.equal(activity["measure"], "account"), pc.is_in(activity["account"], pc.unique(findings["account"]))
    )
    rows = activity.filter(own)
    return dict(zip(rows["account"].to_pylist(), rows["events"].to_pylist(), strict=True))


def _vouched(activity: pa.Table, allowances: Sequence[Allowance], today: date) -> pa.ChunkedArray:
    """Mark the rows of templates that somebody vouches for: they link nobody."""
    fine = [a.template for a in allowances if a.frees_template(today)]
    is_template = pc.equal(activity["measure"], "template")
    return pc.and_(is_template, pc.is_in(activity["value"], pa.array(fine, pa.string())))


def _quotes(finding: Finding) -> bool:
    """Say whether a finding's evidence is an excerpt rather than figures."""
    return finding["rule"] is not None or MARK_OPEN in (finding["evidence"] or "")


def _voice(finding: Finding) -> str:
    return str(finding["rule"] or finding["detector"])


def weight_of(severity: int, strength: float, reach: int) -> float:
    """Weigh a case by columns of CASES; the heaviest has rank 1, of equals the first by case_id."""
    return round(severity + float(np.float32(strength)) + REACH_WEIGHT * log2(reach), 6)


def _weight(case: Case, links: Mapping[str, Link]) -> float:
    return weight_of(case.severity, case.strength, _reach(case, links))


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
        "excerpt": case.strongest["evidence"] if _quotes(case.strongest) else None,
    }
