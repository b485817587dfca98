"""Bring a database's tables up to date, in one transaction a revision."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from tocsin.forms import ConfigError
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


def check_known(revision: str | None) -> None:
    """Refuse the tables of a newer version.

    Errors: ConfigError.
    """
    known = {script.revision for script in scripts().walk_revisions()}
    if revision is not None and revision not in known:
        why = f"the tables are of revision {revision!r}, this version of Tocsin knows {head_of()!r} at most"
        raise ConfigError(why, hint="run the newer version, or restore a backup from before it was installed")


def check_current(database: Database) -> None:
    """Refuse tables that are not those of this version.

    Errors: ConfigError says whether they are older or newer.
    """
    revision = revision_of(database)
    check_known(revision)
    if revision != head_of():
        why = f"the tables are of revision {revision!r}, this version of Tocsin works with {head_of()!r}"
        raise ConfigError(why, hint="make a backup, then run `tocsin node migrate DIR`")


def migrate(database: Database, to: str = "head") -> None:
    """Run what revisions are missing; all of them or none.

    Errors: ConfigError where the tables are those of a newer version.
    """
    check_known(revision_of(database))
    with database.writing() as connection:
        migrate_within(connection, to)


def migrate_within(connection: Connection, to: str = "head") -> None:
    """Run what revisions are missing inside a transaction."""
    found = scripts()

    def upgrade(revision: object, _context: object) -> object:
        return found._upgrade_revs(to, revision)  # type: ignore[arg-type]  # as alembic's own command does

    with EnvironmentContext(Config(), found, fn=upgrade) as environment:
        environment.configure(connection=connection, target_metadata=METADATA, transactional_ddl=True)
        environment.run_migrations()
