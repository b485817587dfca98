"""Databases to hold the node against: SQLite, and a PostgreSQL of its own from the distribution's package."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
_OWNER = "postgres"
_QUICK = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def can_run() -> bool:
    """PostgreSQL refuses to run as root: then its package's own user must be there."""
    return bool(PROGRAMS) and (os.geteuid() != 0 or shutil.which("runuser") is not None)


@dataclass
class Postgres:
    """One server in a folder of its own; `durable` runs it as members would."""

    folder: Path
    durable: bool = False
    port: int = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, _OWNER, _OWNER)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=tocsin", "--encoding=UTF8", "--locale=C")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
        command = [*as_owner, str(PROGRAMS[-1] / program), *arguments]
        where = {"PGDATA": str(self.folder / "data"), "PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(command, env=where, cwd=self.folder, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        more = () if self.durable else _QUICK
        options = f"-k {self.folder} -h 127.0.0.1 -p {self.port} {' '.join(more)}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--silent", "--log", log, "--options", options)

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", "--mode", how)

    def database(self) -> str:
        """Make an empty database; gives its URL."""
        import psycopg

        self._made += 1
        name = f"node{self._made}"
        with psycopg.connect(f"postgresql://tocsin@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://tocsin@127.0.0.1:{self.port}/{name}"


@contextmanager
def postgres(durable: bool = False) -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))
    folder.chmod(0o755)
    made = Postgres(folder, durable)
    made.start()
    try:
        yield made
    finally:
        made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
