"""The one way in for events: checked as the JSONL reader checks them, identifiers hashed, stored once and durably."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from sqlalchemy.engine import Connection

from tocsin.node.db import Database
from tocsin.node.keys import Keys
from tocsin.node.stores import events
from tocsin.node.stores.names import time_id
from tocsin.node.together import Together
from tocsin.traffic import hash_identities, read_lines

_SMALL = 512  # events up to which those of several calls share a parcel
_MOST_TOGETHER = 64  # calls that share a transaction
NOT_JSON = "not JSON"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Say what became of some lines; rejected: (index from 0, reason), the reason never holding what the line held."""

    accepted: int
    duplicates: int
    rejected: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Lot:
    """What one call brings: TRAFFIC with its identifiers hashed, and the key of each row, none of them twice."""

    source: str
    keys: list[bytes]
    batch: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Lots that lie together, one behind the other."""

    id: int
    lots: Sequence[_Lot]
    keys: list[bytes]
    batch: pa.RecordBatch
    sealed: bytes

    def noted(self) -> Iterator[events.Noted]:
        """Name the rows; an id that two lots hold is the first one's."""
        accounts = self.batch["account"].to_pylist()
        rows = range(len(self.keys)) if len(self.lots) == 1 else _first_of_each(self.keys)
        return ((self.keys[row], self.id, row, accounts[row]) for row in rows)

    def shares(self, new: Sequence[int]) -> Iterator[tuple[_Lot, int]]:
        """Say how many of the new rows are of each lot."""
        ends = np.cumsum([len(lot.keys) for lot in self.lots])
        before = np.searchsorted(np.asarray(new, np.int64), ends)
        return zip(self.lots, np.diff(before, prepend=0).tolist(), strict=True)


@dataclass(frozen=True)
class Intake:
    """Take events in; what was accepted is durable when a method returns, and counts once however often it comes."""

    database: Database
    keys: Keys = field(repr=False)
    now: Callable[[], int]
    _writing: Together[_Lot, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_writing", Together(self._write, _MOST_TOGETHER))

    def accept(self, lines: Sequence[Mapping[str, object]], source: str) -> Receipt:
        """Take in native line objects (docs/formats.md).

        Errors: TransportError where they cannot be stored: then none of them is.
        """
        return self.accept_raw([_encoded(line) for line in lines], source)

    def accept_raw(self, lines: Sequence[bytes], source: str) -> Receipt:
        """Take in native lines as they came, each one JSON object."""
        piece = read_lines(lines)
        rejected = tuple((position - 1, reason) for position, reason in piece.rejects)
        if not piece.traffic.num_rows:
            return Receipt(0, 0, rejected)
        new = self._store(piece.traffic, source)
        return Receipt(new, piece.traffic.num_rows - new, rejected)

    def accept_batch(self, traffic: pa.RecordBatch, source: str) -> Receipt:
        """Take in a batch of TRAFFIC that a reader made."""
        new = self._store(traffic, source) if traffic.num_rows else 0
        return Receipt(new, traffic.num_rows - new)

    def _store(self, traffic: pa.RecordBatch, source: str) -> int:
        return self._writing.do(self._lot(traffic, source))

    def _lot(self, traffic: pa.RecordBatch, source: str) -> _Lot:
        keys = [self.keys.event_key(event_id) for event_id in traffic["event_id"].to_pylist()]
        first = _first_of_each(keys)
        if len(first) < len(keys):
            traffic, keys = traffic.take(pa.array(first)), [keys[n] for n in first]
        return _Lot(source, keys, hash_identities(traffic, self.keys.identity))

    def _write(self, lots: Sequence[_Lot]) -> list[int]:
        """Write what several have brought, durable at once; return of each how much was new."""
        now = self.now()
        parcels = [self._parcel(some, now) for some in _joined(lots)]
        with self.database.writing() as connection:
            new = events.add_keys(connection, [noted for parcel in parcels for noted in parcel.noted()])
            for parcel in parcels:
                self._put(connection, parcel, new.get(parcel.id, []), now)
        counts = {id(lot): n for parcel in parcels for lot, n in parcel.shares(new.get(parcel.id, []))}
        return [counts[id(lot)] for lot in lots]

    def _parcel(self, lots: Sequence[_Lot], now: int) -> _Parcel:
        number = time_id(now, self.keys.sealer.random)
        whole = pa.Table.from_batches([lot.batch for lot in lots]).combine_chunks().to_batches()[0]
        keys = [key for lot in lots for key in lot.keys]
        return _Parcel(number, lots, keys, whole, events.pack(whole, self.keys.sealer, number))

    def _put(self, connection: Connection, parcel: _Parcel, new: Sequence[int], now: int) -> None:
        batch, sealed = parcel.batch, parcel.sealed
        if not new:
            return
        if len(new) < batch.num_rows:
            batch = batch.take(pa.array(np.array(new, np.int64)))
            sealed = events.pack(batch, self.keys.sealer, parcel.id)
            events.renumber(connection, parcel.id, new)
        events.add_parcel(connection, parcel.id, parcel.lots[0].source, batch, sealed, now)


def _joined(lots: Sequence[_Lot]) -> Iterator[list[_Lot]]:
    """Put small lots of one source together: a parcel for each of very many small requests would cost the most."""
    small: dict[str, list[_Lot]] = {}
    for lot in lots:
        if len(lot.keys) > _SMALL:
            yield [lot]
        else:
            small.setdefault(lot.source, []).append(lot)
    yield from small.values()


def _first_of_each(keys: Sequence[bytes]) -> list[int]:
    seen: dict[bytes, int] = {}
    for n, key in enumerate(keys):
        seen.setdefault(key, n)
    return list(seen.values())


def _encoded(line: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(line)
    except (TypeError, ValueError, msgspec.MsgspecError):
        return b"?"  # refused as a line that is not JSON
