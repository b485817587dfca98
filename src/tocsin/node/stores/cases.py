"""Cases: formed by the casing job, listed in the order in which they deserve attention."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import ColumnElement, Text, and_, cast, func, insert, select, tuple_, update
from sqlalchemy.engine import Connection, RowMapping

from tocsin.cases import weight_of
from tocsin.node.db.schema import CASES
from tocsin.node.stores.times import micros

_FORMED = (
    "campaign_id", "account", "kinds", "sessions", "severity", "strength", "weight", "reach", "findings", "rules",
    "links", "first", "last", "why_en", "why_zh", "excerpt",
)  # fmt: skip
SHOWN = (
    "case_id",
    *_FORMED,
    "opened",
    "changed",
    "present",
    "status",
    "claimed_by",
    "claimed_until",
    "effect",
    "urgency",
)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of cases ends: the next begins behind it."""

    urgency: int
    weight: float
    case_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases a list holds; None leaves a column free. `kind` is any of a case's kinds."""

    status: tuple[str, ...] = ()
    effect: str | None = None
    kind: str | None = None
    severity: int | None = None  # at least
    campaign_id: str | None = None
    account: str | None = None
    claimed_by: str | None = None


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
        "first": micros(case["first"]),
        "last": micros(case["last"]),
    }
    row["weight"] = weight_of(case["severity"], case["strength"], case["reach"])
    ordered = {name: row[name] for name in _FORMED}
    digest = blake2b(msgspec.json.encode(ordered), digest_size=16).digest()
    return ordered | {"case_id": case["case_id"], "digest": digest}


def _slices(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE]


def count(connection: Connection) -> int:
    """Count the cases that are formed from what is kept."""
    return int(connection.execute(select(func.count()).select_from(CASES).where(CASES.c.present)).scalar_one())


def page(
    connection: Connection, limit: int, *, after: Place | None = None, wanted: Wanted | None = None, now: int = 0
) -> list[RowMapping]:
    """List cases, the most urgent first and of those the weightiest; `now` tells which claims still hold."""
    c = CASES.c
    found = select(*(c[name] for name in SHOWN)).where(c.present, *_fits(wanted or Wanted(), now))
    order = (c.urgency, c.weight, c.case_id)  # as its index has it, which is read from the end
    if after:
        found = found.where(tuple_(*order) < (after.urgency, after.weight, after.case_id))
    rows = connection.execute(found.order_by(*(column.desc() for column in order)).limit(limit))
    return [row._mapping for row in rows]


def _fits(wanted: Wanted, now: int) -> Iterator[ColumnElement[bool]]:
    c = CASES.c
    if wanted.status:
        yield c.status.in_(wanted.status)
    for name in ("effect", "campaign_id", "account"):
        if getattr(wanted, name) is not None:
            yield c[name] == getattr(wanted, name)
    if wanted.severity is not None:
        yield c.severity >= wanted.severity
    if wanted.kind is not None:
        yield cast(c.kinds, Text).contains(f'"{wanted.kind}"', autoescape=True)
    if wanted.claimed_by is not None:
        yield and_(c.claimed_by == wanted.claimed_by, c.claimed_until > now)


def get(connection: Connection, case_id: str, *, lock: bool = False) -> RowMapping | None:
    """Find one case; with `lock`, others who would change it wait until the transaction ends."""
    found = select(*(CASES.c[n] for n in SHOWN)).where(CASES.c.case_id == case_id)
    row = connection.execute(found.with_for_update() if lock else found).one_or_none()
    return row._mapping if row else None


def decided_and_changed(connection: Connection, now: int) -> list[RowMapping]:
    """Find decided cases that were formed anew at a time."""
    c = CASES.c
    found = select(*(c[n] for n in SHOWN)).where(c.present, c.status == "decided", c.changed == now)
    return [row._mapping for row in connection.execute(found)]
