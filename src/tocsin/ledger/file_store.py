"""A store in a folder: objects and registers are plain files, so that any web server can serve the public ones."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tocsin.forms.errors import ConfigError, TransportError

_PART = ".part-"
_LOCK = ".lock"


class FileStore:
    """Keep objects and registers below one folder. Writes go to a new file, to the disk, and only then to the name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, name: str) -> bytes | None:
        """Read an object whole, or None."""
        with _told("read", name):
            try:
                return self._path(name).read_bytes()
            except FileNotFoundError:
                return None

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Write objects: durable, and each whole or absent after any crash, when this returns."""
        with _told("written", next(iter(objects), "nothing")):
            paths = {self._path(name): raw for name, raw in objects.items()}
            parts = [(_written(path, raw), path) for path, raw in paths.items()]
            for part, path in parts:
                part.replace(path)
            for folder in {path.parent for path in paths}:
                _sync_folder(folder)

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        with _told("removed", name):
            self._path(name).unlink(missing_ok=True)

    def names(self, prefix: str) -> Iterator[str]:
        """List the objects whose names begin with a folder's name and a slash."""
        folder = self._path(prefix.removesuffix("/"))
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._root).as_posix()

    def read(self, name: str) -> bytes | None:
        """Read a register; None where it was never written."""
        return self.get(name)

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write `new` if the register still holds `old`, durably, in one atomic step; tell whether it did."""
        with self._locked():
            if self.get(name) != old:
                return False
            self.put({name: new})
            return True

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if not all(parts) or any(part.startswith(".") for part in parts):
            raise ConfigError(f"{name!r} cannot name an object")
        return self._root.joinpath(*parts)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the store's lock against other threads and processes; the system frees it when a process dies."""
        with _told("locked", _LOCK):
            lock = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _written(path: Path, raw: bytes) -> Path:
    """Write bytes to a new file beside `path`, down to the disk."""
    _make_folder(path.parent)
    part = path.with_name(f"{_PART}{uuid4().hex}")
    with part.open("xb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return part


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they survive a crash."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(done: str, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransportError(
            f"{name!r} cannot be {done}: {error.strerror}", hint="check the folder and its free space"
        ) from error
