"""Events: ids that came in, and parcels of what they held."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from tocsin.forms import TRAFFIC
from tocsin.node.db.schema import EVENTS, PARCELS
from tocsin.node.keys import Sealer

_CODEC = pa.Codec("zstd", compression_level=1)
_LENGTH = 8
WAITING, SCREENED, FAILED = "waiting", "screened", "failed"


@dataclass(frozen=True, slots=True)
class Claimed:
    """Parcels that one worker has taken on, oldest first; traffic: one batch of TRAFFIC."""

    ids: tuple[int, ...]
    traffic: pa.RecordBatch


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


def add_keys(connection: Connection, parcel: int, keys: Sequence[bytes], accounts: Sequence[str | None]) -> list[int]:
    """Note ids of a parcel's rows; return the rows that are new, and leave out those that came before."""
    insert_new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(EVENTS)
    ordered = sorted(zip(keys, range(len(keys)), accounts, strict=True))  # two writers never wait in a circle
    rows = [{"key": key, "parcel": parcel, "row": row, "account": account} for key, row, account in ordered]
    connection.execute(insert_new.on_conflict_do_nothing(), rows)
    own = EVENTS.c.parcel == parcel
    count = connection.execute(select(func.count()).select_from(EVENTS).where(own)).scalar_one()
    if count == len(keys):
        return list(range(count))
    return sorted(connection.execute(select(EVENTS.c.row).where(own)).scalars())


def renumber(connection: Connection, parcel: int, kept: Sequence[int]) -> None:
    """Number the rows of a parcel anew, from 0, after those that are not in `kept` have been left out."""
    moved = [{"old": old, "new": new} for new, old in enumerate(kept) if old != new]
    if moved:  # ascending: a row never takes the number of one that has yet to move
        e = EVENTS.c
        change = update(EVENTS).where((e.parcel == parcel) & (e.row == bindparam("old"))).values(row=bindparam("new"))
        connection.execute(change, moved)


def add_parcel(connection: Connection, parcel: int, source: str, rows: int, sealed: bytes, now: int) -> None:
    """Put a parcel where it waits to be screened."""
    row = {"id": parcel, "received": now, "source": source, "rows": rows, "size": len(sealed), "state": WAITING}
    connection.execute(insert(PARCELS).values(row | {"traffic": sealed}))


def waiting(connection: Connection) -> int:
    """Count the events that wait to be screened."""
    found = select(func.coalesce(func.sum(PARCELS.c.rows), 0)).where(PARCELS.c.state == WAITING)
    return int(connection.execute(found).scalar_one())


def claim(connection: Connection, worker: str, now: int, until: int, most_rows: int, most_bytes: int) -> list[Any]:
    """Take on waiting parcels that nobody works at, oldest first: at least one if there is any.

    Returns rows of id and traffic.
    """
    p = PARCELS.c
    free = (p.state == WAITING) & (p.claimed_until <= now)
    found = select(p.id, p.rows, p.size).where(free).order_by(p.id).limit(most_rows)
    chosen: list[int] = []
    rows = size = 0
    for one in connection.execute(found.with_for_update(skip_locked=True)):
        rows, size = rows + one.rows, size + one.size
        if chosen and (rows > most_rows or size > most_bytes):
            break
        chosen.append(one.id)
    if not chosen:
        return []
    taken = update(PARCELS).where(p.id.in_(chosen)).values(claimed_by=worker, claimed_until=until)
    connection.execute(taken)
    return list(connection.execute(select(p.id, p.traffic).where(p.id.in_(chosen)).order_by(p.id)))


def release(connection: Connection, worker: str) -> None:
    """Let go of what a worker of this name had taken on."""
    own = (PARCELS.c.state == WAITING) & (PARCELS.c.claimed_by == worker)
    connection.execute(update(PARCELS).where(own).values(claimed_until=0))


def settle(connection: Connection, parcels: Sequence[int], worker: str, part: int, *, keep: bool) -> bool:
    """Mark parcels screened, if all of them are still this worker's; the caller rolls back where they are not."""
    p = PARCELS.c
    own = p.id.in_(parcels) & (p.state == WAITING) & (p.claimed_by == worker)
    new: dict[str, Any] = {"state": SCREENED, "part": part, "claimed_until": 0}
    if not keep:
        new["traffic"] = None
    return connection.execute(update(PARCELS).where(own).values(new)).rowcount == len(parcels)
