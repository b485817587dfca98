"""Claims that run out: who may do a piece of work now."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, cast, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import LEASES

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Lease:
    """Say from when to when a claim would hold: microseconds since 1970 by the clock that all who claim share."""

    now: int
    span: int

    @property
    def until(self) -> int:
        """When it runs out."""
        return self.now + self.span

    def is_free(self, until: ColumnElement[int]) -> ColumnElement[bool]:
        """Tell whether a claim has run out, or reaches further than any could: then a clock was set back since."""
        return or_(until <= self.now, until > self.until)


def lease_of(connection: Connection, own: int, span: int) -> Lease:
    """Begin a lease; nodes that share a database go by its clock, not each by its `own`."""
    if connection.dialect.name == "sqlite":
        return Lease(own, span)
    seconds = func.extract("epoch", func.clock_timestamp())
    return Lease(int(connection.execute(select(cast(seconds * _MICROS, BigInteger))).scalar_one()), span)


def take(connection: Connection, name: str, holder: str, lease: Lease) -> bool:
    """Take or renew a lease; tell whether `holder` has it now."""
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(LEASES)
    row = new.values(name=name, holder=holder, until=lease.until).on_conflict_do_nothing()
    if connection.execute(row).rowcount == 1:
        return True
    free = (LEASES.c.name == name) & or_(LEASES.c.holder == holder, lease.is_free(LEASES.c.until))
    return connection.execute(update(LEASES).where(free).values(holder=holder, until=lease.until)).rowcount == 1


def seize(connection: Connection, name: str, holder: str, lease: Lease) -> None:
    """Take a lease from whoever has it: what they have not written yet, they will not write."""
    if not take(connection, name, holder, lease):
        connection.execute(update(LEASES).where(LEASES.c.name == name).values(holder=holder, until=lease.until))


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Let others have a lease."""
    own = (LEASES.c.name == name) & (LEASES.c.holder == holder)
    connection.execute(update(LEASES).where(own).values(until=0))
