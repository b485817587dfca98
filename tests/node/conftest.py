from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_databases import Postgres, can_run, postgres
from node_processes import Servers

from tocsin.node.db import Database, migrate, open_database


@pytest.fixture
def servers() -> Iterator[Servers]:
    started = Servers()
    yield started
    started.stop_all()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    if not can_run():
        pytest.skip("PostgreSQL is not installed")
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: everything that stores is held against both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'node.db'}"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    """Opens databases, each with all tables, and closes them."""
    known: list[Database] = []

    def open_one(url: str) -> Database:
        known.append(open_database(url))
        migrate(known[-1])
        return known[-1]

    yield open_one
    for database in known:
        database.close()


@pytest.fixture
def database(url: str, opened: Callable[[str], Database]) -> Database:
    return opened(url)
