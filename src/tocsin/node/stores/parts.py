"""Parts: what screened batches gave, sealed."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from tocsin.forms import FINGERPRINTS, SCORES, SESSIONS, TURNS
from tocsin.node.db.schema import PARCELS, PARTS
from tocsin.node.keys import Sealer
from tocsin.screen import Screened

_KEPT = ("findings", "activity", "sketches")
_EMPTY = {"scores": SCORES, "fingerprints": FINGERPRINTS, "sessions": SESSIONS, "turns": TURNS}
_ZSTD = pa.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True, slots=True)
class Part:
    """What one part speaks of."""

    id: int
    rows: int
    made_with: str
    screened: Screened


def write(screened: Screened) -> bytes:
    """Write the tables of a part that merge into cases."""
    sink = pa.BufferOutputStream()
    for name in _KEPT:
        table: pa.Table = getattr(screened, name)
        with pa.ipc.new_stream(sink, table.schema, options=_ZSTD) as writer:
            writer.write_table(table)
    return bytes(sink.getvalue())


def read(raw: bytes) -> Screened:
    """Read a part's tables; those that are not kept are empty."""
    source = pa.BufferReader(raw)
    kept = {name: pa.ipc.open_stream(source).read_all() for name in _KEPT}
    return Screened(**kept, **{name: schema.empty_table() for name, schema in _EMPTY.items()})


@dataclass(frozen=True, slots=True)
class Listed:
    """One part as a list of them shows it."""

    id: int
    made: int
    rows: int
    size: int
    made_with: str


def add(connection: Connection, part: Part, sealer: Sealer, now: int) -> None:
    """Put a part in."""
    body = sealer.seal(write(part.screened), _place(part.id))
    row = {"id": part.id, "made": now, "rows": part.rows, "sketched": len(part.screened.sketches), "size": len(body)}
    connection.execute(insert(PARTS).values(row | {"made_with": part.made_with, "body": body}))


def rows(connection: Connection) -> dict[int, int]:
    """Name all parts, and how many events each speaks of."""
    return {row.id: row.rows for row in connection.execute(select(PARTS.c.id, PARTS.c.rows))}


def listing(connection: Connection) -> list[Listed]:
    """List all parts, the oldest first."""
    columns = (PARTS.c[name] for name in ("id", "made", "rows", "size", "made_with"))
    return [Listed(*row) for row in connection.execute(select(*columns).order_by(PARTS.c.id))]


def replace(connection: Connection, old: Sequence[int], new: Part, sealer: Sealer, made: int) -> bool:
    """Put one part in the place of others; tell whether all of them were there: the caller rolls back where not."""
    if connection.execute(delete(PARTS).where(PARTS.c.id.in_(old))).rowcount != len(old):
        return False
    add(connection, new, sealer, made)
    connection.execute(update(PARCELS).where(PARCELS.c.part.in_(old)).values(part=new.id))
    return True


def drop(connection: Connection, part: int) -> bool:
    """Let a part go; tell whether it was there."""
    return connection.execute(delete(PARTS).where(PARTS.c.id == part)).rowcount == 1


def load(connection: Connection, part: int, sealer: Sealer) -> Screened | None:
    """Load a part; None where it is gone."""
    sealed = connection.execute(select(PARTS.c.body).where(PARTS.c.id == part)).scalar()
    return None if sealed is None else read(sealer.open(sealed, _place(part)))


def _place(part: int) -> str:
    return f"part {part}"


def newest(connection: Connection) -> list[int]:
    """Name all parts, the newest first."""
    return list(connection.execute(select(PARTS.c.id).order_by(PARTS.c.id.desc())).scalars())
