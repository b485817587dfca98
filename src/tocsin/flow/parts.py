"""Screened batches kept on disk by the digest of what they came from, so that an interrupted run goes on where it
stopped.

A part is named by its batch, the standard and the version of Tocsin: a part that is there is right, whatever the run.
"""

from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from tocsin.screen import Screened

TABLES = tuple(f.name for f in fields(Screened))


def encode_batch(batch: pa.RecordBatch) -> bytes:
    """Encode a batch as one Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def decode_batch(raw: bytes) -> pa.RecordBatch:
    """Decode what `encode_batch` gave."""
    with pa.ipc.open_stream(raw) as reader:
        return reader.read_next_batch()


@dataclass
class PartStore:
    """Keep parts in a folder; `made_with` is everything besides the batch that decides a part's content."""

    folder: Path
    made_with: str

    def path(self, batch: bytes) -> Path:
        """Name the part of a batch."""
        digest = blake2b(batch, digest_size=20, key=blake2b(self.made_with.encode()).digest()).hexdigest()
        return self.folder / f"{digest}.part"

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
