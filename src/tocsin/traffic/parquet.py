"""Read native Parquet: the columns of the native form, one event a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.forms import NETWORK, TRAFFIC, FormatError
from tocsin.forms.limits import BATCH_ROWS, BATCH_TEXT_BYTES
from tocsin.traffic.checks import NAMES, REQUIRED, checked_piece
from tocsin.traffic.piece import Piece
from tocsin.traffic.streams import read_error
from tocsin.traffic.times import TIME

_COLUMNS = {given: name for name, given in NAMES.items()}  # by the name in the file
_HELD_BYTES = 4 * BATCH_TEXT_BYTES  # what one read may decode to


def read_parquet(name: str, place: Path | IO[bytes]) -> Iterator[Piece]:
    """Yield pieces of a Parquet file.

    Raises FormatError where it lacks a column, holds one of a wrong type, or is damaged; TransportError where it cannot
    be read. What came before the damage has been yielded.
    """
    try:
        with pq.ParquetFile(place, pre_buffer=False, buffer_size=1 << 20) as file:
            wanted = _wanted(name, file.schema_arrow)
            first = 1
            for group in range(file.metadata.num_row_groups):  # a batch across groups would fall with the damaged one
                size = _rows_at_once(file.metadata.row_group(group))
                for batch in file.iter_batches(size, [group], wanted, use_threads=False):
                    for part in _expandable(batch):
                        yield _piece(part, first)
                        first += part.num_rows
            if first != file.metadata.num_rows + 1:
                raise FormatError(f"input {name!r} holds {first - 1} rows, its footer says {file.metadata.num_rows}")
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: names that are not UTF-8
        raise read_error(name, error) from None


def _wanted(name: str, schema: pa.Schema) -> list[str]:
    missing = [NAMES[column] for column in REQUIRED if NAMES[column] not in schema.names]
    if missing:
        hint = f"native Parquet needs {', '.join(NAMES[column] for column in REQUIRED)}"
        raise FormatError(f"input {name!r} has no column {', '.join(missing)}", hint=hint)
    wanted = [column for column in schema.names if column in _COLUMNS]
    for column in wanted:
        if wanted.count(column) > 1:
            raise FormatError(f"input {name!r} has column {column} twice", hint="keep one of them")
        kind = schema.field(column).type
        if not _fits(_COLUMNS[column], kind):
            raise FormatError(f"input {name!r} has column {column} of type {kind}", hint="see docs/formats.md")
    return wanted


def _fits(column: str, kind: pa.DataType) -> bool:
    wanted = TRAFFIC.field(column).type
    if pa.types.is_null(kind):
        return True
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type) and wanted in (pa.string(), TIME, NETWORK)
    if wanted == pa.int64():
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
    if wanted == NETWORK and pa.types.is_struct(kind):
        return all(_is_text(child.type) or pa.types.is_integer(child.type) for child in kind if child.name in _INSIDE)
    return _is_text(kind) or (wanted == TIME and bool(pa.types.is_timestamp(kind)))


_INSIDE = tuple(field.name for field in NETWORK)


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")


def _rows_at_once(group: pq.RowGroupMetaData) -> int:
    """Return how many rows to decode at once, fewer where they are long."""
    length = int(group.total_byte_size) // max(int(group.num_rows), 1)
    return max(1, min(BATCH_ROWS, _HELD_BYTES // max(length, 1)))


def _expandable(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Halve a batch until its dictionaries can be written out: a long text in one may be meant by every row."""
    if batch.num_rows < 2 or sum(map(_expanded_bytes, batch.columns)) <= _HELD_BYTES:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _expandable(batch.slice(0, half))
    yield from _expandable(batch.slice(half))


def _expanded_bytes(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = pc.binary_length(column.dictionary.cast(pa.large_binary()))
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _piece(batch: pa.RecordBatch, first: int) -> Piece:
    columns = {_COLUMNS[name]: _plain(_COLUMNS[name], batch.column(name)) for name in batch.schema.names}
    return checked_piece(columns, np.arange(first, first + batch.num_rows, dtype=np.int64))


def _plain(name: str, column: pa.Array) -> pa.Array:
    """Return the column in one of the types that the checks know."""
    wanted = TRAFFIC.field(name).type
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), wanted)
    if wanted == NETWORK:
        return _network(column)
    return column if wanted == pa.int64() or pa.types.is_timestamp(column.type) else _texts(column)


def _texts(column: pa.Array) -> pa.Array:
    """Return any column of text as strings that may hold any bytes."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_integer(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return column if column.type == pa.string() else column.cast(pa.string(), safe=False)


def _network(column: pa.Array) -> pa.Array:
    inside = {"asn": column}
    if pa.types.is_struct(column.type):
        inside = {field.name: pc.struct_field(column, field.name) for field in column.type if field.name in _INSIDE}
    children = [_texts(inside.get(name, pa.nulls(len(column)))) for name in _INSIDE]
    return pa.StructArray.from_arrays(children, fields=list(NETWORK), mask=pc.is_null(column))
