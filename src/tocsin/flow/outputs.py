"""Output files: written aside as the run goes, put in place whole at its end."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.forms import Reject

_GROUP_ROWS = 65_536


@dataclass
class TableFile:
    """Grow one Parquet file of a fixed schema; row groups have the same size however the rows come in."""

    path: Path
    schema: pa.Schema
    wanted: bool = True  # else rows go nowhere
    _held: list[pa.Table] = field(default_factory=list)
    _held_rows: int = 0
    _writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self.wanted:
                self._write(pa.concat_tables([self.schema.empty_table(), *self._held]))
        finally:
            if self._writer is not None:
                self._writer.close()

    def add(self, table: pa.Table) -> None:
        """Append rows."""
        if not self.wanted:
            return
        self._held.append(table)
        self._held_rows += len(table)
        while self._held_rows >= _GROUP_ROWS:
            whole = pa.concat_tables(self._held)
            self._write(whole.slice(0, _GROUP_ROWS))
            self._held = [whole.slice(_GROUP_ROWS)]
            self._held_rows -= _GROUP_ROWS

    def _write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.path, self.schema, compression="zstd", use_dictionary=_repeating(self.schema)
            )
        if len(table):
            self._writer.write_table(table.cast(self.schema).combine_chunks(), row_group_size=_GROUP_ROWS)


def _repeating(schema: pa.Schema) -> list[str]:
    """Name the columns whose values repeat: to look for repeats in others takes four times as long as to write them."""
    return [field.name for field in schema if field.type == pa.string() and field.name != "event_id"]


@dataclass
class RejectFile:
    """Grow rejects.jsonl and count its reasons."""

    path: Path
    reasons: dict[str, int] = field(default_factory=dict)
    rows: int = 0  # those that speak of a row, not of a whole source
    _out: IO[str] | None = None

    def __enter__(self) -> Self:
        self._out = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._out:
            self._out.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Append rejects, one line each."""
        assert self._out is not None
        for reject in rejects:
            line = {"source": reject.source, "position": reject.position, "reason": reject.reason}
            self._out.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.reasons[reject.reason] = self.reasons.get(reject.reason, 0) + 1
            self.rows += reject.position > 0

    @property
    def lines(self) -> int:
        """Count the rejects."""
        return sum(self.reasons.values())


def write_json(path: Path, value: Mapping[str, object]) -> None:
    """Write one JSON object."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_table(path: Path, table: pa.Table) -> None:
    """Write one whole Parquet file."""
    with TableFile(path, table.schema) as file:
        file.add(table)


@contextmanager
def writing_beside() -> Iterator[Callable[[Path, pa.Table], object]]:
    """Give a `write_table` that works in a thread, beside the block; at the end of the block all is written.

    Errors: those of `write_table`, at that end.
    """
    with ThreadPoolExecutor(1) as thread:
        written: list[Future[None]] = []
        yield lambda path, table: written.append(thread.submit(write_table, path, table))
        for each in written:
            each.result()


def publish(staged: Path, out: Path) -> None:
    """Move every staged file into place; each is replaced whole, a folder's old files go first."""
    for path in sorted(staged.rglob("*")):
        target = out / path.relative_to(staged)
        if path.is_dir():
            target.mkdir(exist_ok=True)
            for old in target.iterdir():
                if old.is_file() and not (path / old.name).exists():
                    old.unlink()
        else:
            path.replace(target)
