"""Cases: formed by the casing job, listed in the order in which they deserve attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.engine import Connection, RowMapping

from tocsin.cases import weight_of
from tocsin.node.db.schema import CASES

_FORMED = (
    "campaign_id", "account", "kinds", "sessions", "severity", "strength", "weight", "reach", "findings", "rules",
    "links", "first", "last", "why_en", "why_zh", "excerpt",
)  # fmt: skip
SHOWN = ("case_id", *_FORMED, "opened", "changed", "present", "status", "claimed_by", "claimed_until", "decision")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of cases ends: the next begins behind it."""

    weight: float
    case_id: str


def store(connection: Connection, cases: pa.Table, now: int) -> int:
    """Bring the cases up to what was formed; return how many changed. What people decided stays as it is."""
    c = CASES.c
    known = {row.case_id: row.digest for row in connection.execute(select(c.case_id, c.digest).where(c.present))}
    formed = {row["case_id"]: row for row in map(_formed, cases.to_pylist())}
    changed = [row for name, row in formed.items() if known.get(name) != row["digest"]]
    gone = sorted(known.keys() - formed.keys())
    for names in _slices(gone):
        connection.execute(update(CASES).where(c.case_id.in_(names)).values(present=False, changed=now))
    _put(connection, changed, now)
    return len(changed) + len(gone)


def _put(connection: Connection, rows: Sequence[dict[str, Any]], now: int) -> None:
    c = CASES.c
    for some in _slices(rows):
        names = [row["case_id"] for row in some]
        there = set(connection.execute(select(c.case_id).where(c.case_id.in_(names))).scalars())
        for row in some:
            if row["case_id"] in there:
                values = {k: v for k, v in row.items() if k != "case_id"} | {"present": True, "changed": now}
                connection.execute(update(CASES).where(c.case_id == row["case_id"]).values(values))
        new = [row | {"present": True, "opened": now, "changed": now} for row in some if row["case_id"] not in there]
        if new:
            connection.execute(insert(CASES), new)


def _formed(case: dict[str, Any]) -> dict[str, Any]:
    row = {name: case[name] for name in _FORMED if name not in ("account", "weight")}
    row |= {
        "account": next(iter(case["accounts"]), None),
        "first": _micros(case["first"]),
        "last": _micros(case["last"]),
    }
    row["weight"] = weight_of(case["severity"], case["strength"], case["reach"])
    ordered = {name: row[name] for name in _FORMED}
    digest = blake2b(msgspec.json.encode(ordered), digest_size=16).digest()
    return ordered | {"case_id": case["case_id"], "digest": digest}


def _micros(time: Any) -> int:
    return int(time.timestamp()) * 1_000_000 + int(time.microsecond)


def _slices(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE]


def count(connection: Connection) -> int:
    """Count the cases that are formed from what is kept."""
    return int(connection.execute(select(func.count()).select_from(CASES).where(CASES.c.present)).scalar_one())


def page(connection: Connection, limit: int, *, after: Place | None = None, **fits: str | None) -> list[RowMapping]:
    """List cases, the weightiest first; `fits` keeps those whose column is as given (status, campaign_id, account)."""
    c = CASES.c
    found = select(*(c[name] for name in SHOWN)).where(c.present)
    for name, value in fits.items():
        if value is not None:
            found = found.where(c[name] == value)
    if after:
        behind = or_(c.weight < after.weight, and_(c.weight == after.weight, c.case_id > after.case_id))
        found = found.where(behind)
    rows = connection.execute(found.order_by(c.weight.desc(), c.case_id).limit(limit))
    return [row._mapping for row in rows]


def get(connection: Connection, case_id: str) -> RowMapping | None:
    """Find one case."""
    row = connection.execute(select(*(CASES.c[n] for n in SHOWN)).where(CASES.c.case_id == case_id)).one_or_none()
    return row._mapping if row else None
