"""The folders of a log, a witness and a mirror: their key, their policy, their store.

key          the private key, readable by its owner only
policy       tlog-policy text: the logs that a witness or mirror follows, and its peers
leaves.db    index of a log's leaf hashes, made anew when lost
public/      what is served, as plain files
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.forms.errors import ConfigError, TransportError
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.keyfile import KeyFile, parse_key_file
from tocsin.ledger.keys import COSIGNER
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.log import Log
from tocsin.ledger.policy import Policy, parse_policy

_KEY = "key"
_POLICY = "policy"
_ROLE = "role"
_PRIVATE = 0o600


@dataclass(frozen=True)
class LogFolder:
    """An opened log and its key, still closed."""

    log: Log
    key: KeyFile


@dataclass(frozen=True)
class CosignerFolder:
    """An opened witness or mirror, and its key, still closed."""

    store: FileStore
    key: KeyFile

    def policy(self) -> Policy:
        """Read which logs it follows, and its peers."""
        return parse_policy(self.store.get(_POLICY) or b"")

    def change(self, change: Callable[[Policy], Policy]) -> None:
        """Change the policy, whoever else does at the same time. It is checked as if it were read.

        Errors: FormatError for what no policy may hold.
        """
        while True:
            kept = self.store.get(_POLICY)
            new = change(parse_policy(kept or b"")).encode()
            parse_policy(new)
            if self.store.swap(_POLICY, kept, new):
                return


def write_key(path: Path, key: KeyFile) -> None:
    """Write a key file that only its owner can read, durably; one that is there is never overwritten.

    Errors: ConfigError, TransportError.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(handle, "wb") as file:
            file.write(key.encode())
            file.flush()
            os.fsync(handle)
    except FileExistsError:
        raise ConfigError(
            f"{path.name!r} is there already", hint="keys are never overwritten; take another name"
        ) from None
    except OSError as error:
        raise TransportError(f"{path.name!r} cannot be written: {error.strerror}", hint="check the folder") from error


def read_key_file(path: Path) -> KeyFile:
    """Read a key file, or the key in the folder of a log, witness or mirror.

    Errors: TransportError, FormatError.
    """
    path = path / _KEY if path.is_dir() else path
    try:
        return parse_key_file(path.read_bytes())
    except OSError as error:
        raise TransportError(
            f"the key {path.name!r} cannot be read: {error.strerror}", hint="check the path"
        ) from error


def init_log(folder: Path, origin: str, key: KeyFile) -> None:
    """Make the folder of a log whose key has the log's origin for its name.

    Errors: ConfigError where the names differ or the folder holds something.
    """
    if {k.name for k in key.keys} != {origin}:
        raise ConfigError(f"the key is named {key.keys[0].name!r}, the log {origin!r}", hint="they must be the same")
    _new_folder(folder)
    write_key(folder / _KEY, key)


def open_log(folder: Path) -> LogFolder:
    """Open a log's folder.

    Errors: ConfigError where it is none.
    """
    key = read_key_file(_known(folder, "log"))
    log = Log(FileStore(folder), LeafIndex(str(folder / "leaves.db")), key.keys[0].name)
    return LogFolder(log, key)


def init_cosigner(folder: Path, role: str, key: KeyFile) -> None:
    """Make the folder of a witness or mirror.

    Errors: ConfigError for a key that signs logs, or a folder that holds something.
    """
    if key.keys[0].kind != COSIGNER:
        raise ConfigError(f"the key {key.keys[0].name!r} signs logs", hint=f"make one of type {role}")
    _new_folder(folder)
    FileStore(folder).put({_ROLE: f"{role}\n".encode(), _POLICY: Policy().encode()})
    write_key(folder / _KEY, key)


def open_cosigner(folder: Path, role: str) -> CosignerFolder:
    """Open the folder of a witness or mirror.

    Errors: ConfigError where it is none: a key makes one kind of statement only.
    """
    key, store = read_key_file(_known(folder, role)), FileStore(folder)
    if store.get(_ROLE) != f"{role}\n".encode():
        raise ConfigError(f"{folder.name!r} is not the folder of a {role}", hint="one key says one thing, for ever")
    return CosignerFolder(store, key)


def _new_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used: Sequence[Path] = list(folder.iterdir())
    except OSError as error:
        raise TransportError(f"{folder.name!r} cannot be made: {error.strerror}", hint="check the path") from error
    if used:
        raise ConfigError(f"{folder.name!r} holds something already", hint="name a new folder")


def _known(folder: Path, what: str) -> Path:
    if not (folder / _KEY).is_file():
        raise ConfigError(f"{folder.name!r} is not the folder of a {what}", hint=f"make one: `tocsin {what} init`")
    return folder
