"""The folder of a node: settings, keys, and with SQLite the database."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.forms import ConfigError, PolicyError, TransportError

if TYPE_CHECKING:
    from tocsin.node.config import NodeConfig  # a supervisor holds a folder and does without

SETTINGS = "tocsin.toml"


@dataclass(frozen=True)
class Home:
    """Name what a node's folder holds."""

    folder: Path

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / SETTINGS

    @property
    def keys(self) -> Path:
        """The folder of keys, which nobody else on the machine may read."""
        return self.folder / "keys"

    @property
    def cache(self) -> Path:
        """Compiled rules; may be deleted."""
        return self.folder / "cache"

    def database_url(self, config: "NodeConfig") -> str:
        """Name the database."""
        return config.database.url or f"sqlite:///{self.folder.resolve() / 'node.db'}"

    def path(self, named: str) -> Path | None:
        """Find a file that the settings name, beside them unless it is absolute; None where they name none."""
        return self.folder / named if named else None


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, so that nobody serves or migrates it meanwhile; the lock goes with this process, however it ends.

    Errors: PolicyError where another process holds it; TransportError where the folder cannot be used.
    """
    try:
        lock = os.open(folder / "serving", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise TransportError(f"cannot use {folder.name!r}: {error.strerror}", hint="check the path") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise PolicyError(f"{folder.name!r} is being served", hint="stop the other process first") from error
    finally:
        os.close(lock)


def make_folder(folder: Path) -> Home:
    """Make the folder of a new node.

    Errors: ConfigError where something is in it already; TransportError where it cannot be made.
    """
    home = Home(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise ConfigError(f"{folder.name!r} is not empty", hint="name a new folder")
    except OSError as error:
        raise TransportError(f"cannot make {folder.name!r}: {error.strerror}", hint="check the path") from error
    return home
