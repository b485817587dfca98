import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tocsin.forms import TRAFFIC, Reject, TocsinError
from tocsin.forms.limits import BATCH_ROWS, BATCH_TEXT_BYTES
from tocsin.traffic import SeenIds, pull


@dataclass(frozen=True)
class Outcome:
    """What one whole pull gave."""

    events: list[dict[str, Any]]
    rejects: list[Reject]
    failures: list[TocsinError]
    batches: list[pa.RecordBatch]

    @property
    def ids(self) -> list[str]:
        return [event["event_id"] for event in self.events]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.position, reject.reason) for reject in self.rejects]

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(event["role"], event["text"]) for event in self.events]


def pull_all(inputs: Sequence[str | Path], form: str | None = None, *, spill: Path, keep: int = 1 << 20) -> Outcome:
    events: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    failures: list[TocsinError] = []
    batches: list[pa.RecordBatch] = []
    with SeenIds(spill, keep=keep) as seen:
        for pulled in pull([str(text) for text in inputs], seen=seen, format=form):
            pulled.traffic.validate(full=True)
            assert pulled.traffic.schema.equals(TRAFFIC)
            assert pulled.traffic.num_rows <= BATCH_ROWS and pulled.traffic.nbytes <= BATCH_TEXT_BYTES
            events += pulled.traffic.to_pylist()
            rejects += pulled.rejects
            failures += [pulled.failure] if pulled.failure else []
            batches.append(pulled.traffic)
    return Outcome(events, rejects, failures, batches)


def native(number: int | str = 1, **fields: Any) -> dict[str, Any]:
    """One sound native event; a field given as None is left out."""
    event = {
        "id": f"e{number}",
        "time": "2025-03-01T12:00:00Z",
        "account": "a1",
        "role": "user",
        "text": "an ordinary question",
    } | fields
    return {name: value for name, value in event.items() if value is not None}


def line(number: int | str = 1, **fields: Any) -> bytes:
    return json.dumps(native(number, **fields), ensure_ascii=False).encode()
