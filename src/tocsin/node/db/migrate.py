"""Bring a database's tables up to date, in one transaction a revision."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tocsin.node.db.engine import Database
from tocsin.node.db.schema import METADATA

FOLDER = Path(__file__).parent / "migrations"


def scripts() -> ScriptDirectory:
    """Find the revisions."""
    return ScriptDirectory(str(FOLDER))


def head_of() -> str:
    """Name the revision that this version of Tocsin works with."""
    return scripts().get_current_head() or ""


def revision_of(database: Database) -> str | None:
    """Name the revision of a database; None for one that has no tables yet."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current(database: Database) -> bool:
    """Tell whether a database has the tables that this version works with."""
    return revision_of(database) == head_of()


def migrate(database: Database) -> None:
    """Run what revisions are missing; all of them or none."""
    found = scripts()

    def upgrade(revision: object, _context: object) -> object:
        return found._upgrade_revs("head", revision)  # type: ignore[arg-type]  # as alembic's own command does

    with database.writing() as connection, EnvironmentContext(Config(), found, fn=upgrade) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
        environment.run_migrations()
