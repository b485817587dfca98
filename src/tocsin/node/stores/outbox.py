"""The outbox: what is to be told to whom, written in the transaction of what it tells of."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.engine import Connection, RowMapping

from tocsin.node.db.schema import OUTBOX
from tocsin.node.sinks.retrying import FARTHEST

WAITING, SENT, DEAD = "waiting", "sent", "dead"


@dataclass(frozen=True)
class Waiting:
    """A message that is due. Times are microseconds."""

    id: int
    body: bytes
    made: int
    tries: int


def add(connection: Connection, sink: str, subject: str, body: bytes, now: int) -> None:
    """Put a message where it waits to be sent."""
    row = {"sink": sink, "subject": subject, "body": body, "state": WAITING, "made": now, "next_try": now}
    connection.execute(insert(OUTBOX).values(row))


def due_sinks(connection: Connection, now: int) -> set[str]:
    """Name the sinks for which a message is due."""
    o = OUTBOX.c
    found = select(o.sink).where(o.state == WAITING, _is_due(o.next_try, now)).distinct()
    return set(connection.execute(found).scalars())


def _is_due(next_try: ColumnElement[int], now: int) -> ColumnElement[bool]:
    return or_(next_try <= now, next_try > now + FARTHEST)


def due(connection: Connection, sink: str, now: int, limit: int) -> list[Waiting]:
    """List what is due for a sink, oldest first; nothing of a case of which something older still waits."""
    o, older = OUTBOX.c, OUTBOX.alias("older")
    before = select(older.c.id).where(
        older.c.sink == sink, older.c.subject == o.subject, older.c.state == WAITING, older.c.id < o.id
    )
    found = select(o.id, o.body, o.made, o.tries).where(o.sink == sink, o.state == WAITING, _is_due(o.next_try, now))
    found = found.where(~before.where(~_is_due(older.c.next_try, now)).exists()).order_by(o.id).limit(limit)
    return [Waiting(row.id, row.body, row.made, row.tries) for row in connection.execute(found)]


def settle(connection: Connection, row: int, state: str, now: int, problem: str | None = None) -> None:
    """Mark a message sent or dead."""
    o = OUTBOX.c
    new = {"state": state, "settled": now, "problem": problem, "tries": o.tries + 1}
    connection.execute(update(OUTBOX).where(o.id == row, o.state == WAITING).values(new))


def put_off(connection: Connection, row: int, until: int, problem: str) -> None:
    """Try a message again later."""
    o = OUTBOX.c
    new = {"next_try": until, "problem": problem, "tries": o.tries + 1}
    connection.execute(update(OUTBOX).where(o.id == row, o.state == WAITING).values(new))


def rest(connection: Connection, sink: str, until: int) -> None:
    """Leave a sink alone for a while: none of its messages is tried before."""
    o = OUTBOX.c
    late = (o.sink == sink) & (o.state == WAITING) & (o.next_try < until)
    connection.execute(update(OUTBOX).where(late).values(next_try=until))


def page(connection: Connection, limit: int, *, before: int | None = None, **fits: str | None) -> list[RowMapping]:
    """List messages without their bodies, the newest first; `fits`: state, sink, subject."""
    o = OUTBOX.c
    shown = (o.id, o.sink, o.subject, o.state, o.made, o.tries, o.next_try, o.settled, o.problem)
    found = select(*shown).order_by(o.id.desc()).limit(limit)
    for name, value in fits.items():
        if value is not None:
            found = found.where(o[name] == value)
    if before is not None:
        found = found.where(o.id < before)
    return [row._mapping for row in connection.execute(found)]


def revive(connection: Connection, row: int, now: int) -> bool:
    """Let a dead message wait again, as if it were new; tell whether there was one."""
    o = OUTBOX.c
    new = {"state": WAITING, "next_try": now, "made": now, "settled": None, "tries": 0}
    return connection.execute(update(OUTBOX).where(o.id == row, o.state == DEAD).values(new)).rowcount == 1


def counts(connection: Connection) -> dict[str, int]:
    """Count messages by state."""
    rows = connection.execute(select(OUTBOX.c.state, func.count()).group_by(OUTBOX.c.state))
    return {str(state): int(count) for state, count in rows}
