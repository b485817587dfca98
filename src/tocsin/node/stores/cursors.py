"""How far sources were read: places by name."""

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import CURSORS


def below(connection: Connection, prefix: str) -> dict[str, str]:
    """Read the places whose names begin with a prefix, by the rest of the name."""
    found = select(CURSORS.c.name, CURSORS.c.place).where(CURSORS.c.name.startswith(prefix, autoescape=True))
    return {row.name.removeprefix(prefix): row.place for row in connection.execute(found)}


def put(connection: Connection, name: str, place: str, now: int) -> None:
    """Note a place."""
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(CURSORS)
    row = {"place": place, "moved": now}
    connection.execute(new.values(name=name, **row).on_conflict_do_update(index_elements=["name"], set_=row))


def forget(connection: Connection, name: str) -> None:
    """Forget a place."""
    connection.execute(delete(CURSORS).where(CURSORS.c.name == name))
