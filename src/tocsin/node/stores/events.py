"""Events: ids that came in, and parcels of what they held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.engine import Connection

from tocsin.forms import TRAFFIC
from tocsin.node.db.schema import EVENTS, PARCELS
from tocsin.node.keys import Sealer
from tocsin.node.stores.leases import Lease

_CODEC = pa.Codec("zstd", compression_level=1)
_LENGTH = 8
WAITING, SCREENED, FAILED = "waiting", "screened", "failed"
ALONE, WORN = 2, 8  # tries after which a parcel is taken on by itself, and after which it is given up
_MOST_AT_ONCE = 1000
_SOURCE_CHARS = 200  # as the column holds
_ADD_IN_SQLITE = 'INSERT INTO events ("key", parcel, "row", account) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
_ADD_IN_POSTGRES = (
    'INSERT INTO events ("key", parcel, "row", account) SELECT * FROM '
    'unnest(%s::bytea[], %s::bigint[], %s::integer[], %s::text[]) ON CONFLICT DO NOTHING RETURNING parcel, "row"'
)

Noted = tuple[bytes, int, int, str | None]
"""Key of an event, its parcel, its row there, its account."""


def pack(batch: pa.RecordBatch, sealer: Sealer, parcel: int) -> bytes:
    """Compress and seal a batch of TRAFFIC for the parcel of this number."""
    plain = batch.serialize()
    return sealer.seal(plain.size.to_bytes(_LENGTH) + _CODEC.compress(plain, asbytes=True), _place(parcel))


def unpack(sealed: bytes, sealer: Sealer, parcel: int) -> pa.RecordBatch:
    """Open a parcel's traffic.

    Errors: VerificationError.
    """
    plain = sealer.open(sealed, _place(parcel))
    size = int.from_bytes(plain[:_LENGTH])
    return pa.ipc.read_record_batch(_CODEC.decompress(plain[_LENGTH:], size), TRAFFIC)


def _place(parcel: int) -> str:
    return f"parcel {parcel}"


def add_keys(connection: Connection, noted: Iterable[Noted]) -> dict[int, list[int]]:
    """Note the ids of rows of parcels; return of each parcel the rows that are new, and leave out what came before."""
    ordered = sorted(noted)  # two writers never wait for each other in a circle
    if connection.dialect.name == "sqlite":
        return _add_in_sqlite(connection, ordered)
    columns = [list(column) for column in zip(*ordered, strict=True)]
    added = connection.exec_driver_sql(_ADD_IN_POSTGRES, tuple(columns)) if ordered else ()
    return _by_parcel((row.parcel, row.row) for row in added)


def _add_in_sqlite(connection: Connection, ordered: list[Noted]) -> dict[int, list[int]]:
    if not ordered:
        return {}
    added = connection.exec_driver_sql(_ADD_IN_SQLITE, ordered)
    if added.rowcount == len(ordered):
        return _by_parcel((parcel, row) for _, parcel, row, _ in ordered)
    own = select(EVENTS.c.parcel, EVENTS.c.row).where(EVENTS.c.parcel.in_({parcel for _, parcel, _, _ in ordered}))
    return _by_parcel((row.parcel, row.row) for row in connection.execute(own))


def _by_parcel(rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for parcel, row in sorted(rows):
        found.setdefault(parcel, []).append(row)
    return found


def renumber(connection: Connection, parcel: int, kept: Sequence[int]) -> None:
    """Number the rows of a parcel anew, from 0, after those that are not in `kept` have been left out."""
    moved = [{"old": old, "new": new} for new, old in enumerate(kept) if old != new]
    if moved:  # ascending: a row never takes the number of one that has yet to move
        e = EVENTS.c
        change = update(EVENTS).where((e.parcel == parcel) & (e.row == bindparam("old"))).values(row=bindparam("new"))
        connection.execute(change, moved)


def add_parcel(
    connection: Connection, parcel: int, source: str, batch: pa.RecordBatch, sealed: bytes, now: int
) -> None:
    """Put a parcel where it waits to be screened; `sealed` is what `pack` made of the batch."""
    row = {
        "id": parcel,
        "received": now,
        "source": source[:_SOURCE_CHARS],
        "rows": batch.num_rows,
        "size": batch.nbytes,
    }
    connection.execute(insert(PARCELS).values(row | {"state": WAITING, "traffic": sealed}))


def waiting(connection: Connection) -> int:
    """Count the events that wait to be screened."""
    found = select(func.coalesce(func.sum(PARCELS.c.rows), 0)).where(PARCELS.c.state == WAITING)
    return int(connection.execute(found).scalar_one())


def count_failed(connection: Connection) -> int:
    """Count the events of parcels that were given up."""
    found = select(func.coalesce(func.sum(PARCELS.c.rows), 0)).where(PARCELS.c.state == FAILED)
    return int(connection.execute(found).scalar_one())


def claim(connection: Connection, worker: str, lease: Lease, most_rows: int, most_bytes: int) -> list[Any]:
    """Take on waiting parcels that nobody works at, oldest first: at least one if there is any.

    One that was taken on before in vain is taken on alone, so that it holds up no other. Returns rows of id, tries
    and traffic.
    """
    p = PARCELS.c
    free = (p.state == WAITING) & lease.is_free(p.claimed_until)
    found = select(p.id, p.rows, p.size, p.tries).where(free).order_by(p.id).limit(_MOST_AT_ONCE)
    chosen: list[int] = []
    rows = size = 0
    for one in connection.execute(found.with_for_update(skip_locked=True)):
        rows, size = rows + one.rows, size + one.size
        if chosen and (rows > most_rows or size > most_bytes or one.tries >= ALONE):
            break
        chosen.append(one.id)
        if one.tries >= ALONE:
            break
    if not chosen:
        return []
    new = {"claimed_by": worker, "claimed_until": lease.until, "tries": p.tries + 1}
    connection.execute(update(PARCELS).where(p.id.in_(chosen)).values(new))
    return list(connection.execute(select(p.id, p.tries, p.traffic).where(p.id.in_(chosen)).order_by(p.id)))


def set_aside(connection: Connection, parcel: int, worker: str, problem: str) -> None:
    """Give a parcel up: it is kept as it is, and screened no more."""
    own = (PARCELS.c.id == parcel) & (PARCELS.c.state == WAITING) & (PARCELS.c.claimed_by == worker)
    connection.execute(update(PARCELS).where(own).values(state=FAILED, problem=problem, claimed_until=0))


def take_up_again(connection: Connection) -> int:
    """Let what was given up wait again; return how many events that is."""
    events = count_failed(connection)
    again = {"state": WAITING, "tries": 0, "problem": None, "claimed_until": 0}
    connection.execute(update(PARCELS).where(PARCELS.c.state == FAILED).values(again))
    return events


def release(connection: Connection, worker: str) -> None:
    """Let go of what a worker of this name had taken on."""
    own = (PARCELS.c.state == WAITING) & (PARCELS.c.claimed_by == worker)
    connection.execute(update(PARCELS).where(own).values(claimed_until=0))


def settle(
    connection: Connection, parcels: Sequence[int], worker: str, part: int, traffic: Mapping[int, bytes | None]
) -> bool:
    """Mark parcels screened, if all of them are still this worker's; the caller rolls back where they are not.

    `traffic` gives anew what is kept of a parcel, where that is not what came in.
    """
    p = PARCELS.c
    own = p.id.in_(parcels) & (p.state == WAITING) & (p.claimed_by == worker)
    new: dict[str, Any] = {"state": SCREENED, "part": part, "claimed_until": 0}
    if connection.execute(update(PARCELS).where(own).values(new)).rowcount != len(parcels):
        return False
    for parcel, kept in traffic.items():
        connection.execute(update(PARCELS).where(p.id == parcel).values(traffic=kept))
    return True


def kept_after(connection: Connection, parcel: int, upto: int, most: int) -> list[Any]:
    """Read screened parcels whose traffic is kept, of numbers above `parcel` up to `upto`: rows of id and traffic."""
    p = PARCELS.c
    kept = (p.state == SCREENED) & (p.traffic.is_not(None)) & (p.id > parcel) & (p.id <= upto)
    return list(connection.execute(select(p.id, p.traffic).where(kept).order_by(p.id).limit(most)))


def last_parcel(connection: Connection) -> int:
    """Read the greatest number of a parcel, 0 where there is none."""
    return int(connection.execute(select(func.coalesce(func.max(PARCELS.c.id), 0))).scalar_one())


def parts_of(connection: Connection, account: str) -> list[int]:
    """Name the parts that speak of an account's events, the newest first."""
    of = EVENTS.c.account == account
    found = select(PARCELS.c.part).join(EVENTS, EVENTS.c.parcel == PARCELS.c.id)
    found = found.where(of, PARCELS.c.part.is_not(None)).distinct().order_by(PARCELS.c.part.desc())
    return [int(part) for part in connection.execute(found).scalars() if part is not None]


def parcels_of(connection: Connection, account: str, limit: int) -> list[tuple[int, bytes]]:
    """Find the newest parcels that hold events of an account and still have their traffic."""
    named = select(EVENTS.c.parcel).where(EVENTS.c.account == account).distinct()
    found = select(PARCELS.c.id, PARCELS.c.traffic).where(PARCELS.c.id.in_(named), PARCELS.c.traffic.is_not(None))
    rows = connection.execute(found.order_by(PARCELS.c.id.desc()).limit(limit))
    return [(row.id, row.traffic) for row in rows]
