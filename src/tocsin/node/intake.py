"""The one way in for events: checked as the JSONL reader checks them, identifiers hashed, stored once and durably."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tocsin.node.db import Database
from tocsin.node.keys import Keys
from tocsin.node.stores import events
from tocsin.node.stores.names import time_id
from tocsin.traffic import hash_identities, read_lines

_KEY_BYTES = 16
NOT_JSON = "not JSON"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Say what became of some lines; rejected: (index from 0, reason), the reason never holding what the line held."""

    accepted: int
    duplicates: int
    rejected: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Intake:
    """Take events in; what was accepted is durable when a method returns, and counts once however often it comes."""

    database: Database
    keys: Keys = field(repr=False)
    now: Callable[[], int]

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
        keys = [self._key(event_id) for event_id in traffic["event_id"].to_pylist()]
        first = _first_of_each(keys)
        if len(first) < len(keys):
            traffic, keys = traffic.take(pa.array(first)), [keys[n] for n in first]
        hashed = hash_identities(traffic, self.keys.identity)
        now, sealer = self.now(), self.keys.sealer
        parcel = time_id(now, sealer.random)
        sealed = events.pack(hashed, sealer, parcel)  # before the transaction: most requests hold nothing known
        with self.database.writing() as connection:
            new = events.add_keys(connection, parcel, keys, hashed["account"].to_pylist())
            if 0 < len(new) < len(keys):
                hashed = hashed.take(pa.array(np.array(new, np.int64)))
                sealed = events.pack(hashed, sealer, parcel)
                events.renumber(connection, parcel, new)
            if new:
                events.add_parcel(connection, parcel, source, len(new), sealed, now)
        return len(new)

    def _key(self, event_id: str) -> bytes:
        return blake2b(event_id.encode(), key=self.keys.identity, digest_size=_KEY_BYTES, person=b"event").digest()


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
