"""Group findings into cases, one an account with its sessions inside, link them into campaigns, and rank them.

A run may make very many cases: they stay in columns.
"""

from collections.abc import Sequence
from datetime import date
from math import log2
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.cases.allow import Allowance, allowed
from tocsin.cases.figures import sum_up
from tocsin.cases.link import campaigns_of
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
SORTS = ("account", "session", "event_id")  # a case is about the first of these that its findings name
_COLUMNS = [*SORTS, "time", "detector", "rule", "kind", "severity", "score"]
_VOUCHED = ["rule", "account", "detector", "evidence"]

Finding = dict[str, Any]


def build_cases(
    findings: pa.Table, activity: pa.Table, standard: Standard, *, allowances: Sequence[Allowance] = (), today: date
) -> pa.Table:
    """Build the ranked CASES of a run from its FINDINGS and merged ACTIVITY; the order of rows does not matter."""
    findings = _left(findings, allowances, today)
    about, said = _worth_judging(findings.select(_COLUMNS), activity)
    told = sum_up(said)
    accounts = [name if sort == "account" else None for sort, name in about]
    telling = activity.filter(pc.invert(_vouched(activity, allowances, today)))
    linked = campaigns_of(pa.array(accounts, pa.string()), pc.list_element(told["kinds"], 0), telling)
    links = [linked.get(account or "") for account in accounts]
    sentences = why(told, links, standard)
    more = {
        "case_id": [digest_id("C", *each) for each in about],
        "campaign_id": [link.campaign if link else None for link in links],
        "accounts": [[account] if account else [] for account in accounts],
        "reach": [link.reach if link else 1 for link in links],
        "links": [link.values if link else () for link in links],
        "excerpt": _excerpts(findings.select(["rule", "evidence"]).take(told["clearest"])),
        "why_en": [en for en, _ in sentences],
        "why_zh": [zh for _, zh in sentences],
    }
    return _ranked(dict(zip(told.column_names, told.columns, strict=True)) | more)


def case_id_of(finding: Finding) -> str:
    """Name the case that a finding belongs to, if it is one."""
    sort = next(s for s in SORTS if finding[s] is not None)
    return digest_id("C", sort, finding[sort])


def weight_of(severity: int, strength: float, reach: int) -> float:
    """Weigh a case by columns of CASES; the heaviest has rank 1, of equals the first by case_id."""
    return round(severity + float(np.float32(strength)) + REACH_WEIGHT * log2(reach), 6)


def _left(findings: pa.Table, allowances: Sequence[Allowance], today: date) -> pa.Table:
    """Leave out the findings that somebody vouches for."""
    if not allowances:
        return findings
    return findings.filter(
        pa.array([not allowed(f, allowances, today) for f in findings.select(_VOUCHED).to_pylist()], pa.bool_())
    )


def _vouched(activity: pa.Table, allowances: Sequence[Allowance], today: date) -> pa.ChunkedArray:
    """Mark the rows of templates that somebody vouches for: they link nobody."""
    fine = [a.template for a in allowances if a.frees_template(today)]
    is_template = pc.equal(activity["measure"], "template")
    return pc.and_(is_template, pc.is_in(activity["value"], pa.array(fine, pa.string())))


def _worth_judging(findings: pa.Table, activity: pa.Table) -> tuple[list[tuple[str, str]], pa.Table]:
    """Name by sort what a person should look at, and select the findings about it, as `sum_up` wants them.

    That is one grave finding, or several weak voices often enough.
    """
    about = pc.coalesce(*(_name(sort, findings[sort]) for sort in SORTS))
    heard = _heard(findings, about)
    is_grave = pc.greater_equal(heard["severity_max"], CASE_SEVERITY)
    several = pc.greater_equal(heard["voice_count_distinct"], WEAK_VOICES)
    often = pc.greater_equal(heard["spoken_count_distinct"], pc.multiply(WEAK_SHARE, _asked(heard["about"], activity)))
    names = heard["about"].filter(pc.or_(is_grave, pc.and_(several, often))).combine_chunks()
    case, row = pc.index_in(about, names), pa.array(np.arange(len(findings)))
    said = findings.append_column("case", case).append_column("row", row).filter(pc.is_valid(case))
    return [(sort, name) for sort, _, name in (name.partition(":") for name in names.to_pylist())], said


def _heard(findings: pa.Table, about: pa.ChunkedArray) -> pa.Table:
    """Count the weak voices and the events that rules among them spoke of."""
    is_rule = pc.is_valid(findings["rule"])
    columns = {
        "about": about,
        "severity": findings["severity"],
        "voice": pc.coalesce(findings["rule"], "behaviour"),
        "spoken": pc.if_else(is_rule, findings["event_id"], pa.scalar(None, pa.string())),
    }
    weak = pa.table(columns).filter(pc.greater_equal(findings["severity"], WEAK_SEVERITY))
    folds = [("severity", "max"), ("voice", "count_distinct"), ("spoken", "count_distinct")]
    return weak.group_by("about", use_threads=False).aggregate(folds)


def _asked(about: pa.ChunkedArray, activity: pa.Table) -> pa.ChunkedArray:
    """Count what those about whom there are findings asked, 0 where that is not known."""
    people = activity.filter(pc.equal(activity["measure"], "account"))
    place = pc.index_in(about, _name("account", people["account"]).combine_chunks())
    return pc.fill_null(people["events"].take(place), 0)


def _name(sort: str, names: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(sort, names, ":")


def _excerpts(findings: pa.Table) -> pa.ChunkedArray:
    """Keep evidence that is an excerpt rather than figures."""
    marked = pc.fill_null(pc.match_substring(findings["evidence"], MARK_OPEN), False)
    is_excerpt = pc.or_(pc.is_valid(findings["rule"]), marked)
    return pc.if_else(is_excerpt, findings["evidence"], pa.scalar(None, pa.string()))


def _ranked(made: dict[str, Any]) -> pa.Table:
    """Write cases as CASES, the heaviest first."""
    figures = zip(made["severity"].to_pylist(), made["strength"].to_pylist(), made["reach"], strict=True)
    weights, ids = [weight_of(*each) for each in figures], made["case_id"]
    order = sorted(range(len(ids)), key=lambda case: (-weights[case], ids[case]))
    ranks = np.argsort(order) + 1
    return pa.table({**made, "rank": ranks}, schema=CASES).take(pa.array(order, pa.int64()))
