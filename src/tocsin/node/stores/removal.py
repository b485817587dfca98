"""What is taken out of events, parcels, parts and cases, by account and by age."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import ACTS, CASES, EVENTS, OUTBOX, PARCELS, PARTS, SIGHTINGS
from tocsin.node.keys import Sealer
from tocsin.node.stores import events, outbox, parts
from tocsin.node.stores.parts import Part
from tocsin.screen import Screened

NOWHERE = 0  # the parcel of an event of which nothing but its id is known
_SPOKEN = ("findings", "activity", "sketches")


@dataclass(frozen=True, slots=True)
class Named:
    """Where the events of an account lie."""

    parcels: list[int]
    parts: list[int]


def find(connection: Connection, account: str) -> Named:
    """Find an account's events, and take the claims of workers away from their parcels."""
    own = select(EVENTS.c.parcel).where(EVENTS.c.account == account).distinct()
    p = PARCELS.c
    rows = connection.execute(select(p.id, p.part).where(p.id.in_(own)).order_by(p.id).with_for_update()).all()
    named = Named([row.id for row in rows], sorted({row.part for row in rows if row.part is not None}))
    waiting = p.id.in_(own) & (p.state == events.WAITING)
    connection.execute(update(PARCELS).where(waiting).values(claimed_by=None, claimed_until=0))
    return named


def take_from_parcel(connection: Connection, parcel: int, account: str, sealer: Sealer) -> None:
    """Take an account's rows out of a parcel."""
    row = connection.execute(select(PARCELS.c.traffic, PARCELS.c.rows).where(PARCELS.c.id == parcel)).one()
    own = (EVENTS.c.parcel == parcel) & (EVENTS.c.account == account)
    gone = connection.execute(update(EVENTS).where(own).values(parcel=NOWHERE, row=0, account=None)).rowcount
    change: dict[str, Any] = {"rows": row.rows - gone}
    if row.traffic is not None:
        batch = events.unpack(row.traffic, sealer, parcel)
        kept = pc.invert(pc.fill_null(pc.equal(batch["account"], account), False))
        events.renumber(connection, parcel, pc.indices_nonzero(kept).to_pylist())
        batch = batch.filter(kept)
        change |= {"size": batch.nbytes, "traffic": events.pack(batch, sealer, parcel)}
    connection.execute(update(PARCELS).where(PARCELS.c.id == parcel).values(change))
    if row.rows == gone:
        connection.execute(delete(PARCELS).where(PARCELS.c.id == parcel))


def take_from_part(connection: Connection, part: int, account: str, sealer: Sealer, new: int) -> bool:
    """Put a part without an account in the place of one; tell whether there was anything to take out."""
    return _rewrite(connection, part, sealer, new, [account], keep=False)


def keep_in_part(connection: Connection, part: int, accounts: Sequence[str], sealer: Sealer, new: int) -> bool:
    """Keep some accounts alone in a part; tell whether there were others."""
    return _rewrite(connection, part, sealer, new, accounts, keep=True)


def _rewrite(
    connection: Connection, part: int, sealer: Sealer, new: int, accounts: Sequence[str], *, keep: bool
) -> bool:
    row = connection.execute(select(PARTS.c.made, PARTS.c.rows, PARTS.c.made_with).where(PARTS.c.id == part)).first()
    before = parts.load(connection, part, sealer)
    if row is None or before is None:
        return False
    after = _filtered(before, pa.array(list(accounts), pa.string()), keep=keep)
    if all(len(getattr(before, name)) == len(getattr(after, name)) for name in _SPOKEN):
        return False
    return parts.replace(connection, [part], Part(new, row.rows, row.made_with, after), sealer, row.made)


def _filtered(screened: Screened, accounts: pa.Array, *, keep: bool) -> Screened:
    tables = {name: getattr(screened, name) for name in _SPOKEN}
    theirs = {name: pc.is_in(table["account"], accounts) for name, table in tables.items()}
    kept = {name: table.filter(theirs[name] if keep else pc.invert(theirs[name])) for name, table in tables.items()}
    return replace(screened, **kept)


def take_cases(connection: Connection, account: str) -> list[str]:
    """Take out the cases of an account, what was written of them, and what was told of them; name them.

    That something was decided stays, under the case's number; so does what still waits to be told.
    """
    own = CASES.c.account == account
    names = list(connection.execute(select(CASES.c.case_id).where(own)).scalars())
    theirs = select(CASES.c.case_id).where(own)
    connection.execute(update(ACTS).where(ACTS.c.case_id.in_(theirs)).values(note=None))
    told = OUTBOX.c.subject.in_(theirs) & (OUTBOX.c.state != outbox.WAITING)
    connection.execute(delete(OUTBOX).where(told))
    connection.execute(delete(CASES).where(own))
    return names


def old_parcels(connection: Connection, before: int, after: int, most: int) -> list[int]:
    """Name parcels older than a time that wait for nothing and have their traffic still, those behind `after`."""
    p = PARCELS.c
    found = select(p.id).where(p.id > after, p.state != events.WAITING, p.received < before, p.traffic.is_not(None))
    return list(connection.execute(found.order_by(p.id).limit(most)).scalars())


def let_traffic_go(connection: Connection, parcels: Sequence[int], held: Sequence[str], sealer: Sealer) -> None:
    """Let the texts of parcels go, all but those of held accounts."""
    p = PARCELS.c
    keeping = set(_with_accounts(connection, parcels, held))
    free = [parcel for parcel in parcels if parcel not in keeping]
    connection.execute(update(PARCELS).where(p.id.in_(free)).values(traffic=None))
    for parcel in keeping:
        sealed = connection.execute(select(p.traffic).where(p.id == parcel)).scalar_one()
        batch = events.unpack(sealed, sealer, parcel)
        emptied = emptied_but(batch, held)
        if not emptied.equals(batch):
            new = events.pack(emptied, sealer, parcel)
            connection.execute(update(PARCELS).where(p.id == parcel).values(traffic=new))


def emptied_but(batch: pa.RecordBatch, held: Sequence[str]) -> pa.RecordBatch:
    """Empty the texts of all but some accounts; every row stays in its place."""
    theirs = pc.is_in(batch["account"], pa.array(list(held), pa.string()))
    for name, nothing in (("text", ""), ("attributes", None)):
        at = batch.schema.get_field_index(name)
        kept = pc.if_else(theirs, batch[name], pa.scalar(nothing, pa.string()))
        batch = batch.set_column(at, batch.schema.field(at), kept)
    return batch


def _with_accounts(connection: Connection, parcels: Sequence[int], held: Sequence[str]) -> Iterator[int]:
    theirs = EVENTS.c.parcel.in_(parcels) & EVENTS.c.account.in_(held)
    yield from connection.execute(select(EVENTS.c.parcel).where(theirs).distinct()).scalars()


def old_parts(connection: Connection, before: int) -> list[tuple[int, int]]:
    """Name parts that were made before a time, and how many events each speaks of."""
    found = select(PARTS.c.id, PARTS.c.rows).where(PARTS.c.made < before).order_by(PARTS.c.id)
    return [(row.id, row.rows) for row in connection.execute(found)]


def let_ids_go(connection: Connection, before: int, most: int) -> int:
    """Let the ids of parcels go that are older than a time, and of which nothing else is left; return how many."""
    p = PARCELS.c
    lives = select(PARTS.c.id).where(PARTS.c.id == p.part).exists()
    over = (p.state != events.WAITING) & (p.received < before) & p.traffic.is_(None) & ~lives
    gone = list(connection.execute(select(p.id).where(over).order_by(p.id).limit(most)).scalars())
    connection.execute(delete(EVENTS).where(EVENTS.c.parcel.in_(gone)))
    connection.execute(delete(SIGHTINGS).where(SIGHTINGS.c.parcel.in_(gone)))
    connection.execute(delete(PARCELS).where(p.id.in_(gone)))
    return len(gone)


def remains(connection: Connection, account: str) -> int:
    """Count the rows that name an account."""
    counts = (select(func.count()).where(table.c.account == account) for table in (EVENTS, CASES, SIGHTINGS))
    return sum(connection.execute(count).scalar_one() for count in counts)
