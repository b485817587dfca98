"""Legal holds: accounts of which nothing may go, whatever the retention says or somebody asks."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import HOLDS


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; `until` None: until it is ended."""

    account: str
    since: int
    until: int | None
    who: str
    reason: str


def put(connection: Connection, hold: Hold) -> None:
    """Put a hold on an account, in place of one that it has."""
    end(connection, hold.account)
    row = {name: getattr(hold, name) for name in ("account", "since", "until", "who", "reason")}
    connection.execute(insert(HOLDS).values(row))


def end(connection: Connection, account: str) -> bool:
    """End a hold; tell whether there was one."""
    return connection.execute(delete(HOLDS).where(HOLDS.c.account == account)).rowcount == 1


def in_force(connection: Connection, now: int) -> list[Hold]:
    """List the holds in force, the oldest first."""
    live = or_(HOLDS.c.until.is_(None), HOLDS.c.until > now)
    return [Hold(*row) for row in connection.execute(select(HOLDS).where(live).order_by(HOLDS.c.since))]
