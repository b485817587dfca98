"""Customers whose content may not be kept: of their events nothing stays but offsets and keyed hashes."""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.screen import Screened
from tocsin.traffic import hash_identifier

_DIGEST_BYTES = 16
_PREFIX = "blake2b:"
_EMPTIED = {"text": "", "attributes": None}


@dataclass(frozen=True)
class Withheld:
    """Know the customers by the keyed hashes of their `org`."""

    orgs: pa.Array
    key: bytes

    @classmethod
    def of(cls, names: tuple[str, ...], key: bytes) -> "Withheld":
        """Know customers by name."""
        return cls(pa.array([hash_identifier(name, key) for name in names], pa.string()), key)

    def rows(self, traffic: pa.RecordBatch) -> pa.Array:
        """Mark the rows of theirs."""
        return pc.is_in(traffic["org"], self.orgs)

    def emptied(self, traffic: pa.RecordBatch) -> pa.RecordBatch:
        """Take the content out of their rows."""
        theirs = self.rows(traffic)
        for name, nothing in _EMPTIED.items():
            at = traffic.schema.get_field_index(name)
            kept = pc.if_else(theirs, pa.scalar(nothing, pa.string()), traffic[name])
            traffic = traffic.set_column(at, traffic.schema.field(at), kept)
        return traffic

    def stripped(self, screened: Screened, traffic: pa.RecordBatch) -> Screened:
        """Put keyed hashes for excerpts, and leave out the sketches of their texts."""
        theirs = traffic.filter(self.rows(traffic))
        if not theirs.num_rows:
            return screened
        texts = dict(zip(theirs["event_id"].to_pylist(), theirs["text"].to_pylist(), strict=True))
        found = screened.findings
        evidence = pa.array([self._evidence(row, texts) for row in found.to_pylist()], pa.string())
        at = found.schema.get_field_index("evidence")
        others = pc.invert(pc.is_in(screened.sketches["event_id"], theirs["event_id"]))
        return replace(
            screened,
            findings=found.set_column(at, found.schema.field(at), evidence),
            sketches=screened.sketches.filter(others),
        )

    def _evidence(self, row: dict[str, Any], texts: dict[str, str]) -> str | None:
        text = texts.get(row["event_id"])
        if text is None:
            return row["evidence"]  # type: ignore[no-any-return]  # of FINDINGS
        span = text[row["span_start"] : row["span_end"]]  # None: the whole
        return _PREFIX + blake2b(span.encode(), key=self.key[:64], digest_size=_DIGEST_BYTES).hexdigest()
