"""Screened batches kept on disk by the digest of what they came from, so that an interrupted run goes on where it
stopped.

A part is named by its batch, the standard and the version of Tocsin: a part that is there is right, whatever the run.
"""

from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from tocsin.screen import Screened

_NAME = 40  # hex digits
TABLES = tuple(f.name for f in fields(Screened))


class _Digest:
    """Take what is written to it into a digest, without a copy."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self.write = digest.update

    def flush(self) -> None:
        """Hold nothing back."""


@dataclass
class PartStore:
    """Keep parts in a folder; `made_with` is everything besides the batch that decides a part's content."""

    folder: Path
    made_with: str

    def path(self, batch: pa.RecordBatch) -> Path:
        """Name the part of a batch."""
        digest = sha256(sha256(self.made_with.encode()).digest())
        with pa.ipc.new_stream(pa.PythonFile(_Digest(digest), "w"), batch.schema) as writer:
            writer.write_batch(batch)
        return self.folder / f"{digest.hexdigest()[:_NAME]}.part"

    def load(self, path: Path) -> Screened | None:
        """Load a part; None where it is not there, or not whole."""
        try:
            with pa.OSFile(str(path)) as file:
                return Screened(*(pa.ipc.open_stream(file).read_all() for _ in TABLES))
        except (OSError, pa.ArrowException):
            return None

    def keep(self, path: Path, screened: Screened) -> None:
        """Keep a part whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        growing = path.with_suffix(".growing")
        with pa.OSFile(str(growing), "wb") as file:
            for name in TABLES:
                table: pa.Table = getattr(screened, name)
                with pa.ipc.new_stream(file, table.schema) as writer:
                    writer.write_table(table)
        growing.replace(path)
