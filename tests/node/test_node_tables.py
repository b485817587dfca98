"""The tables that the migrations make are those that the code names."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tocsin.node.db import head_of, is_current, migrate, open_database
from tocsin.node.db.schema import METADATA


def test_the_migrations_lead_to_the_tables_of_the_code() -> None:
    database = open_database("sqlite://")
    assert not is_current(database)
    migrate(database)
    assert is_current(database) and head_of()
    migrate(database)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
