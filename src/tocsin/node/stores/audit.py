"""The audit trail: who read content, who decided, who changed what others may do.

Rows are only added. Each is bound to the one before by a hash under a key of the node, so that a row that was changed,
moved or taken out shows; rows taken from the end show against a head that was noted elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hmac import compare_digest, digest
from typing import Any

import msgspec
from sqlalchemy import insert, select, text
from sqlalchemy.engine import Connection, RowMapping

from tocsin.node.db.schema import AUDIT

START = bytes(32)
_PURPOSE = b"tocsin audit v1"
Details = Mapping[str, str | int | bool | list[str] | None]


@dataclass(frozen=True)
class Entry:
    """Something that somebody did. No part of it holds content or an identifier in clear."""

    who: str
    action: str
    subject: str
    details: Details


@dataclass(frozen=True)
class Head:
    """The last row: how many there are, and the hash that all of them lead to."""

    rows: int
    chain: bytes


def audit_key(key: bytes) -> bytes:
    """Derive the key of the trail from a key of the node."""
    return digest(key, _PURPOSE, "sha256")


def head(connection: Connection) -> Head:
    """Read the last row."""
    row = connection.execute(select(AUDIT.c.id, AUDIT.c.chain).order_by(AUDIT.c.id.desc()).limit(1)).one_or_none()
    return Head(row.id, row.chain) if row else Head(0, START)


def append(connection: Connection, key: bytes, entry: Entry, now: int) -> int:
    """Add a row, as the last thing in a transaction, for all others who add wait from here on; return its number."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE"))
    last = head(connection)
    row = {"id": last.rows + 1, "time": now, "who": entry.who, "action": entry.action, "subject": entry.subject}
    row |= {"details": dict(entry.details)}
    connection.execute(insert(AUDIT).values(row | {"chain": _bound(key, last.chain, row)}))
    return last.rows + 1


def _bound(key: bytes, before: bytes, row: Mapping[str, Any] | RowMapping) -> bytes:
    told = [row[name] for name in ("id", "time", "who", "action", "subject", "details")]
    return digest(key, before + msgspec.json.encode(told, order="sorted"), "sha256")


def page(connection: Connection, limit: int, *, before: int | None = None, **fits: str | None) -> list[RowMapping]:
    """List rows, the newest first; `fits` keeps those whose column is as given (who, action, subject)."""
    found = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    for name, value in fits.items():
        if value is not None:
            found = found.where(AUDIT.c[name] == value)
    if before is not None:
        found = found.where(AUDIT.c.id < before)
    return [row._mapping for row in connection.execute(found)]


def rows(connection: Connection) -> Iterator[RowMapping]:
    """Read all rows, the oldest first."""
    for row in connection.execute(select(AUDIT).order_by(AUDIT.c.id).execution_options(yield_per=1000)):
        yield row._mapping


def first_broken(trail: Iterable[RowMapping], key: bytes) -> int | None:
    """Find the first row that does not continue the one before; None where all do."""
    before, last = START, 0
    for told in trail:
        if told["id"] != last + 1 or not compare_digest(told["chain"], _bound(key, before, told)):
            return int(told["id"])
        before, last = told["chain"], told["id"]
    return None
