"""A store in a database: SQLite, PostgreSQL, or what else SQLAlchemy speaks to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import (
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tocsin.forms.errors import TransportError

_META = MetaData()
_OBJECTS = Table("ledger_objects", _META, Column("name", String(512), primary_key=True), Column("raw", LargeBinary))
_REGISTERS = Table("ledger_registers", _META, Column("name", String(512), primary_key=True), Column("raw", LargeBinary))


class SqlStore:
    """Keep objects and registers in two tables. A register may be served like an object, as a file store does."""

    def __init__(self, url: str) -> None:
        with _told():
            self._engine: Engine = create_engine(url)
            _META.create_all(self._engine)

    def get(self, name: str) -> bytes | None:
        """Read an object whole, or None."""
        raw = self._read(_OBJECTS, name)
        return self._read(_REGISTERS, name) if raw is None else raw

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Write objects: durable, and each whole or absent after any crash, when this returns."""
        while not self._put(objects):
            continue  # another writer made one of them meanwhile: now it is there to be updated

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        with self._begun() as connection:
            connection.execute(delete(_OBJECTS).where(_OBJECTS.c.name == name))

    def names(self, prefix: str) -> Iterator[str]:
        """List the objects whose names begin with a folder's name and a slash."""
        with self._begun() as connection:
            found = select(_OBJECTS.c.name).where(_OBJECTS.c.name.startswith(prefix, autoescape=True))
            yield from sorted(connection.execute(found).scalars())

    def read(self, name: str) -> bytes | None:
        """Read a register; None where it was never written."""
        return self._read(_REGISTERS, name)

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write `new` if the register still holds `old`, durably, in one atomic step; tell whether it did."""
        if old is None:
            return self._create(name, new)
        same = (_REGISTERS.c.name == name) & (_REGISTERS.c.raw == old)
        with self._begun() as connection:
            return connection.execute(update(_REGISTERS).where(same).values(raw=new)).rowcount == 1

    def _put(self, objects: Mapping[str, bytes]) -> bool:
        try:
            with self._begun() as connection:
                for name, raw in sorted(objects.items()):
                    changed = connection.execute(update(_OBJECTS).where(_OBJECTS.c.name == name).values(raw=raw))
                    if not changed.rowcount:
                        connection.execute(insert(_OBJECTS).values(name=name, raw=raw))
        except IntegrityError:
            return False
        return True

    def _create(self, name: str, new: bytes) -> bool:
        try:
            with self._begun() as connection:
                connection.execute(insert(_REGISTERS).values(name=name, raw=new))
        except IntegrityError:
            return False
        return True

    def _read(self, table: Table, name: str) -> bytes | None:
        with self._begun() as connection:
            raw = connection.execute(select(table.c.raw).where(table.c.name == name)).scalar()
            return None if raw is None else bytes(raw)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with _told(), self._engine.begin() as connection:
            yield connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # two writers at once: for the caller to settle
    except SQLAlchemyError as error:
        why = f"the database cannot be used: {type(error).__name__}"
        raise TransportError(why, hint="check its address, and that it runs") from error
