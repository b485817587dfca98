"""Counts that change in the transaction of what they count, and leases of jobs."""

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import TOTALS
from tocsin.node.stores import leases


def read(connection: Connection) -> dict[str, int]:
    """Read all totals."""
    return {row.name: row.value for row in connection.execute(select(TOTALS.c.name, TOTALS.c.value))}


def add(connection: Connection, name: str, more: int) -> None:
    """Let a total grow."""
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(TOTALS).values(name=name, value=more)
    grown = new.on_conflict_do_update(index_elements=["name"], set_={"value": TOTALS.c.value + more})
    connection.execute(grown)


def put(connection: Connection, name: str, value: int) -> None:
    """Set a total."""
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(TOTALS).values(name=name, value=value)
    connection.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def lease(connection: Connection, name: str, holder: str, now: int, until: int) -> bool:
    """Take or renew a lease; tell whether `holder` has it now."""
    return leases.take(connection, name, holder, leases.lease_of(connection, now, until - now))
