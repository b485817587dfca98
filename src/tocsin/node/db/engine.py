"""Open a database: SQLite in WAL mode, or PostgreSQL by URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from tocsin.forms import ConfigError, TransportError

_BEGIN = "tocsin_begin"
_WAIT_MS = 30_000
# WAL keeps readers and the one writer out of each other's way; FULL syncs the log at every commit, so that what was
# confirmed outlives a power cut too.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={_WAIT_MS}",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA foreign_keys=ON",
)
# What was taken out is in the write-ahead log too until that is empty; a reader may keep it from being so for a while.
_EMPTY_LOG = ("PRAGMA busy_timeout=1000", "PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass(frozen=True)
class Database:
    """Hand out connections inside transactions.

    Errors: every method raises TransportError where the database cannot be used now, IntegrityError where another
    writer was faster.
    """

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        """Tell whether there is one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See one state of the database."""
        with told(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """See one state of the database for as long as this lasts."""
        with told(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write all or nothing; durable once left."""
        with told(), self.engine.connect() as connection:
            asking = connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            with asking.begin():
                yield asking

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """Write as `writing` does; with SQLite what is taken out is overwritten in the file too, once this is left."""
        if not self.is_sqlite:
            with self.writing() as connection:
                yield connection
            return
        with told(), self.engine.connect() as connection:
            plain: Any = connection.connection.dbapi_connection
            plain.execute("PRAGMA secure_delete=ON")
            asking = connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            with asking.begin():
                yield asking
            for pragma in _EMPTY_LOG:
                plain.execute(pragma)
            connection.invalidate()  # the next connection has all this as it was

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open a database by its URL; nothing is asked of it yet.

    Errors: ConfigError for a URL that names none, or one whose driver is not installed.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite(url))
        if parsed.get_backend_name() == "postgresql":
            return Database(create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True))
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise ConfigError("the database's URL is wrong", hint="postgresql://USER:PASSWORD@HOST/NAME") from error
    except ImportError as error:
        raise ConfigError("PostgreSQL needs its driver", hint="pip install 'tocsin[postgres]'") from error
    raise ConfigError("the database is neither SQLite nor PostgreSQL", hint="postgresql://USER:PASSWORD@HOST/NAME")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # so that transactions begin where we say
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine


@contextmanager
def told() -> Iterator[None]:
    """Turn what the database says into our own families."""
    try:
        yield
    except IntegrityError:
        raise
    except SQLAlchemyError as error:
        why = f"the database cannot be used: {type(getattr(error, 'orig', None) or error).__name__}"
        raise TransportError(why, hint="check its address, that it runs, and that its disk has room") from error
