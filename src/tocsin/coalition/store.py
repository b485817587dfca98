"""Where a member keeps sealed bodies, its own and those it was given: files in the folder of its log.

bodies/EXPIRY/DIGEST     one body; gone with its salts after EXPIRY, and its entry then says nothing to anybody
waiting/DIGEST           sealed entries that go with the next batch
cadence                  the setting for batches
"""

from collections.abc import Iterator
from pathlib import Path

from tocsin.coalition.batching import Cadence, Waiting, parse_cadence, parse_waiting
from tocsin.coalition.bodies import encode_body, parse_body
from tocsin.coalition.sealing import Body
from tocsin.forms.errors import ConfigError
from tocsin.ledger import FileStore

_BODIES = "bodies"
_WAITING = "waiting"
_CADENCE = "cadence"
_PRIVATE = 0o700


class BodyStore:
    """The bodies below one log's folder, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = FileStore(folder)

    def put(self, body: Body, expiry: int) -> None:
        """Keep a body until a day."""
        (self._folder / _BODIES).mkdir(mode=_PRIVATE, exist_ok=True)
        if self._name(body.digest) is None:
            self._files.put({f"{_BODIES}/{expiry}/{body.digest}": encode_body(body)})

    def get(self, digest: str) -> Body | None:
        """Read a body by the digest of its entry; None where it is not there, or no longer."""
        name = self._name(digest)
        raw = self._files.get(name) if name else None
        return parse_body(raw) if raw else None

    def find(self, start: str) -> Body:
        """Read the body whose digest begins so.

        Errors: ConfigError where none or more than one does.
        """
        found = [name for name in self._names() if name.rsplit("/", 1)[1].startswith(start)]
        raw = self._files.get(found[0]) if len(found) == 1 else None
        if raw is None:
            raise ConfigError(f"{len(found)} bodies have a digest that begins so", hint="see `tocsin body list`")
        return parse_body(raw)

    def bodies(self) -> Iterator[tuple[int, Body]]:
        """Give every body and the day until which it is kept."""
        for name in self._names():
            raw = self._files.get(name)
            if raw is not None:
                yield int(name.split("/")[1]), parse_body(raw)

    def forget(self, digest: str) -> bool:
        """Delete a body and its salts; tell whether it was there."""
        name = self._name(digest)
        if name:
            self._files.delete(name)
        return name is not None

    def expire(self, now: int) -> int:
        """Delete all bodies whose day has come; tell how many."""
        gone = [name for name in self._names() if int(name.split("/")[1]) <= now]
        for name in gone:
            self._files.delete(name)
        return len(gone)

    def cadence(self) -> Cadence:
        """Read the setting for batches."""
        raw = self._files.read(_CADENCE)
        return parse_cadence(raw) if raw else Cadence()

    def set_cadence(self, new: Cadence) -> None:
        """Change the setting for batches."""
        parse_cadence(new.encode())
        while not self._files.swap(_CADENCE, self._files.read(_CADENCE), new.encode()):
            pass

    def wait(self, entry: Waiting) -> None:
        """Keep a sealed entry for the next batch."""
        self._files.put({f"{_WAITING}/{entry.digest}": entry.encode()})

    def waiting(self) -> list[Waiting]:
        """Read what waits for the next batch."""
        raws = [self._files.get(name) for name in self._files.names(f"{_WAITING}/")]
        return [parse_waiting(raw) for raw in raws if raw]

    def gone(self, entry: Waiting) -> None:
        """Take an entry that was appended off the list."""
        self._files.delete(f"{_WAITING}/{entry.digest}")

    def _names(self) -> list[str]:
        return [name for name in self._files.names(f"{_BODIES}/") if name.split("/")[1].isdigit()]

    def _name(self, digest: str) -> str | None:
        found = next(iter((self._folder / _BODIES).glob(f"*/{digest}")), None)
        return found.relative_to(self._folder).as_posix() if found else None
