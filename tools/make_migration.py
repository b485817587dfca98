"""Write the migration that leads from the newest revision's tables to those of db/schema.py.

Until the first release there is one revision: `--first` writes it anew.
"""

import subprocess
import sys
from pathlib import Path

import alembic.operations.ops as ops
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.runtime.migration import MigrationContext

from tocsin.node.db import head_of, migrate, open_database
from tocsin.node.db.migrate import FOLDER
from tocsin.node.db.schema import METADATA

HEAD = '''"""{what}"""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision: str | None = {before}


def upgrade() -> None:
    """Bring the tables forward."""
'''


def written(what: str, number: str, before: str | None, steps: ops.UpgradeOps) -> str:
    lines = render_python_code(steps).splitlines()
    body = "\n".join(line for line in lines if not line.strip().startswith("#"))
    return HEAD.format(what=what, number=number, before=f'"{before}"' if before else None) + body + "\n"


def main() -> None:
    first = sys.argv[1:] == ["--first"]
    database = open_database("sqlite://")
    if not first:
        migrate(database)
    with database.writing() as connection:
        steps = produce_migrations(MigrationContext.configure(connection), METADATA).upgrade_ops
    assert steps is not None
    before = None if first else head_of()
    number = "0001" if first else f"{int(before or 0) + 1:04}"
    what = "The first tables." if first else sys.argv[1]
    path = Path(FOLDER) / "versions" / f"v{number}.py"
    path.write_text(written(what, number, before, steps), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", str(path)], check=True)


if __name__ == "__main__":
    main()
