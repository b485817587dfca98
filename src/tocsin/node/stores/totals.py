"""Counts that change in the transaction of what they count, and leases of jobs."""

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import LEASES, TOTALS


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
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(LEASES)
    row = new.values(name=name, holder=holder, until=until).on_conflict_do_nothing()
    if connection.execute(row).rowcount == 1:
        return True
    free = (LEASES.c.name == name) & ((LEASES.c.holder == holder) | (LEASES.c.until <= now))
    return connection.execute(update(LEASES).where(free).values(holder=holder, until=until)).rowcount == 1
