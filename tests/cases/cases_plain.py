"""Cases built one at a time, as ADR 0006 and docs/cases.md say it: slow, and what the columns are held against."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from tocsin.cases import weight_of
from tocsin.cases.words import _named, _sentence
from tocsin.forms import MARK_OPEN, digest_id
from tocsin.standard import Standard

Row = dict[str, Any]
LEAST = {"template": 2, "device": 2, "payment": 2, "client": 3, "network": 3}


@dataclass(frozen=True)
class Link:
    """The campaign of an account, its size, and the values that tie it."""

    campaign: str
    reach: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """The findings judged together: of one account, else of one session, else of one event."""

    sort: str
    key: str
    findings: tuple[Row, ...]
    asked: int

    @property
    def account(self) -> str:
        return self.key if self.sort == "account" else ""

    @cached_property
    def id(self) -> str:
        return digest_id("C", self.sort, self.key)

    @cached_property
    def severity(self) -> int:
        return max(int(f["severity"]) for f in self.findings)

    @cached_property
    def strength(self) -> float:
        best: dict[str, float] = {}
        for f in self.findings:
            best[voice(f)] = max(best.get(voice(f), 0.0), f["score"])
        return 1 - prod(1 - best[v] for v in self.voices)

    @cached_property
    def kinds(self) -> list[str]:
        weight: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for f in self.findings:
            top, count = weight[f["kind"]]
            weight[f["kind"]] = max(top, f["severity"]), count + 1
        return sorted(weight, key=lambda k: (-weight[k][0], -weight[k][1], k))

    @cached_property
    def voices(self) -> list[str]:
        weight: Counter[str] = Counter()
        for f in self.findings:
            weight[voice(f)] += 10 ** f["severity"]
        return sorted(weight, key=lambda v: (-weight[v], v))

    @cached_property
    def strongest(self) -> Row:
        def clear(f: Row) -> tuple[Any, ...]:
            return f["rule"] is None, -f["severity"], -f["score"], f["time"], str(f["event_id"]), voice(f)

        return min(self.findings, key=clear)

    @property
    def excerpt(self) -> str | None:
        f = self.strongest
        return f["evidence"] if f["rule"] is not None or MARK_OPEN in (f["evidence"] or "") else None

    def is_worth_judging(self) -> bool:
        weak = [f for f in self.findings if f["severity"] >= 2]
        voices = {f["rule"] or "behaviour" for f in weak}
        spoken = {f["event_id"] for f in weak if f["rule"]}
        return self.severity >= 3 or (len(voices) >= 2 and len(spoken) >= 0.1 * self.asked)


def voice(finding: Row) -> str:
    return str(finding["rule"] or finding["detector"])


def plain_cases(findings: Sequence[Row], activity: Sequence[Row], standard: Standard) -> list[Row]:
    """Build ranked CASES; nobody vouches for anything."""
    asked = {r["account"]: r["events"] for r in activity if r["measure"] == "account"}
    cases = [case for case in group(findings, asked) if case.is_worth_judging()]
    links = link({c.account: c.kinds[0] for c in cases if c.account}, activity)
    rows = [write(c, links.get(c.account), standard) for c in cases]
    rows.sort(key=lambda r: (-weight_of(r["severity"], r["strength"], r["reach"]), r["case_id"]))
    return [{**row, "rank": rank} for rank, row in enumerate(rows, start=1)]


def group(rows: Iterable[Row], asked: Mapping[str, int]) -> Iterator[Case]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        sort = next(s for s in ("account", "session", "event_id") if row[s] is not None)
        groups[sort, row[sort]].append(row)
    for (sort, key), own in groups.items():
        yield Case(sort, key, tuple(own), asked.get(key, 0) if sort == "account" else 0)


def link(kind_of: Mapping[str, str], activity: Sequence[Row]) -> dict[str, Link]:
    """Link accounts that share a value, again and again until nothing changes."""
    having: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in activity:
        if row["measure"] in LEAST:
            having[row["measure"], row["value"]].add(row["account"])
    tied: dict[str, set[str]] = defaultdict(set)
    together: dict[str, set[str]] = {}
    for (measure, value), everyone in having.items():
        for kind in set(kind_of.values()) if measure in ("client", "network") else [None]:
            own = {a for a in everyone & kind_of.keys() if kind in (None, kind_of[a])}
            if len(own) >= max(LEAST[measure], 0.5 * len(everyone)):
                merged = own.union(*(together.get(a, {a}) for a in own))
                together |= dict.fromkeys(merged, merged)
                for account in own:
                    tied[account].add(f"{measure}:{value}")
    return {a: Link(digest_id("K", *sorted(w)), len(w), tuple(sorted(tied[a]))) for a, w in together.items()}


def write(case: Case, link: Link | None, standard: Standard) -> Row:
    sessions = sorted({f["session"] for f in case.findings if f["session"]})
    voices = [_named(v, standard) for v in case.voices[:2]]
    kind, count = _named(case.kinds[0], standard), len(case.findings)
    en, zh = _sentence(kind, count, len(sessions), voices, link)  # type: ignore[arg-type]  # a link in the same form
    return {
        "case_id": case.id,
        "campaign_id": link.campaign if link else None,
        "kinds": case.kinds,
        "accounts": [case.account] if case.account else [],
        "sessions": sessions,
        "severity": case.severity,
        "strength": case.strength,
        "reach": link.reach if link else 1,
        "findings": count,
        "rules": sorted({f["rule"] for f in case.findings if f["rule"]}),
        "links": list(link.values) if link else [],
        "first": min(f["time"] for f in case.findings),
        "last": max(f["time"] for f in case.findings),
        "why_en": en,
        "why_zh": zh,
        "excerpt": case.excerpt,
    }
