"""Screened batches kept on disk by the digest of what they came from, so that an interrupted run goes on where it
stopped.

A part is named by its batch, the standard and the version of Tocsin: a part that is there is right, whatever the run.
"""

import os
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
from cryptography.hazmat.primitives.poly1305 import Poly1305

from tocsin.forms import TransportError
from tocsin.screen import Screened

_KEY_BYTES = 32
TABLES = tuple(f.name for f in fields(Screened))


class _Sink:
    """Take what is written to it into a digest, without a copy."""

    closed = False

    def __init__(self, digest: Poly1305) -> None:
        self._digest = digest

    def write(self, data: pa.Buffer) -> None:
        """Take bytes in."""
        self._digest.update(memoryview(data).cast("B"))

    def flush(self) -> None:
        """Hold nothing back."""


@dataclass
class PartStore:
    """Keep parts in a folder; `made_with` is everything besides the batch that decides a part's content.

    Names are Poly1305 under a key that only the folder holds, six times as fast as SHA-256: two batches of 16 MB share
    one with a chance below 2^-80, and who sends traffic cannot see to it (RFC 8439, section 2.5).
    """

    folder: Path
    made_with: str
    _key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = _key_of(self.folder)

    def path(self, batch: pa.RecordBatch) -> Path:
        """Name the part of a batch."""
        digest = Poly1305(self._key)
        digest.update(sha256(self.made_with.encode()).digest())
        with pa.ipc.new_stream(pa.PythonFile(_Sink(digest), "w"), batch.schema) as writer:
            writer.write_batch(batch)
        return self.folder / f"{digest.finalize().hex()}.part"

    def load(self, path: Path) -> Screened | None:
        """Load a part; None where it is not there, or not whole."""
        try:
            with pa.OSFile(str(path)) as file:
                return Screened(*(pa.ipc.open_stream(file).read_all() for _ in TABLES))
        except (OSError, pa.ArrowException):
            return None

    def take(self, path: Path) -> Screened:
        """Load a part that was made. Errors: TransportError where it is there no more."""
        ready = self.load(path)
        if ready is None:
            raise TransportError("a part of the run was lost before it was read", hint="go on with --resume")
        return ready

    def keep(self, path: Path, screened: Screened) -> None:
        """Keep a part whole or not at all."""
        growing = path.with_suffix(f".{os.getpid()}")  # a worker of a killed run may still be at the same
        with pa.OSFile(str(growing), "wb") as file:
            for name in TABLES:
                table: pa.Table = getattr(screened, name)
                with pa.ipc.new_stream(file, table.schema) as writer:
                    writer.write_table(table)
        growing.replace(path)


def _key_of(folder: Path) -> bytes:
    """Read the key of a folder, or draw one: the parts under a key that was lost are made again."""
    path = folder / "key"
    if not path.exists() or path.stat().st_size != _KEY_BYTES:
        path.write_bytes(os.urandom(_KEY_BYTES))
    return path.read_bytes()
