"""FINDINGS and ACTIVITY written down in short, and the cases that they make."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from tocsin.cases import Allowance, build_cases
from tocsin.forms import ACTIVITY, FINDINGS
from tocsin.standard import Standard

Row = dict[str, Any]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
TODAY = date(2026, 3, 20)
GRAVE, HINT = "M12.iron-bell", "M03.copper-bell"


def finding(account: str | None, number: int = 1, **fields: Any) -> Row:
    """A finding of the grave rule, unless the fields say otherwise."""
    about = {"event_id": f"{account}-{number}", "account": account, "session": f"{account}-talk"}
    what = {"detector": "rules", "rule": GRAVE, "kind": "M12", "severity": 3, "score": 0.8, "evidence": "⟦ring⟧"}
    known = {**about, **what, "time": DAY + timedelta(minutes=number), "detector_version": "1", "standard_version": "s"}
    return {**known, **fields}


def hint(account: str | None, number: int = 1, **fields: Any) -> Row:
    return finding(account, number, **{"rule": HINT, "kind": "M03", "severity": 2, "score": 0.4, **fields})


def behaviour(account: str, detector: str = "shared", severity: int = 2, **fields: Any) -> Row:
    nothing = {
        "event_id": None,
        "session": None,
        "rule": None,
        "kind": "M13",
        "evidence": "device: accounts=6 signs=none",
    }
    return finding(account, **{**nothing, "detector": detector, "severity": severity, "score": 0.5, **fields})


def findings(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=FINDINGS)


def uses(measure: str, value: str, accounts: Iterable[str], events: int = 1) -> list[Row]:
    """Say that accounts have something in common, or with measure `account` how much each asked."""
    counts = {"events": events, "refused": 0, "tokens_in": 0, "tokens_out": 0}
    return [{"measure": measure, "value": value, "account": a, "first": DAY, "last": DAY, **counts} for a in accounts]


def cases(
    standard: Standard,
    said: Sequence[Row],
    shared: Sequence[Row] = (),
    allowances: Sequence[Allowance] = (),
    today: date = TODAY,
) -> list[Row]:
    activity = pa.Table.from_pylist(list(shared), schema=ACTIVITY)
    return list(build_cases(findings(said), activity, standard, allowances=allowances, today=today).to_pylist())


def names(accounts: Iterable[int], stem: str = "acc") -> list[str]:
    return [f"{stem}{n}" for n in accounts]


def campaigns(rows: Iterable[Row]) -> list[list[str]]:
    """The accounts of each campaign, in order."""
    by_id: dict[str, list[str]] = {}
    for row in rows:
        if row["campaign_id"]:
            by_id.setdefault(row["campaign_id"], []).extend(row["accounts"])
    return sorted(sorted(accounts) for accounts in by_id.values())
