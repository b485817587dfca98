"""What a case rests on: findings from the parts that speak of its account, messages from its parcels.

Findings of behaviour rest on the whole traffic and are in no part: the case's sentence and rules tell of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection, RowMapping

from tocsin.node.keys import Sealer
from tocsin.node.stores import events, parts

MOST_PARTS = 64  # the newest that are opened for one case
MOST_FINDINGS = 100
_SHOWN = ("event_id", "time", "session", "detector", "rule", "kind", "severity", "score", "evidence")
_MESSAGE = ("event_id", "time", "session", "role", "text", "status", "tool")


@dataclass(frozen=True)
class Evidence:
    """Findings of a case, the gravest first, and whether they are all that are kept."""

    rows: Any
    whole: bool


def evidence_of(connection: Connection, case: RowMapping, sealer: Sealer, *, content: bool) -> Evidence:
    """Find the findings of a case; without their evidence unless content is asked for."""
    named = events.parts_of(connection, case["account"]) if case["account"] else parts.newest(connection)
    found: list[dict[str, Any]] = []
    for part in named[:MOST_PARTS]:
        screened = parts.load(connection, part, sealer)
        if screened is not None:
            found += _own(screened.findings, case).select(list(_SHOWN)).to_pylist()
    found.sort(key=lambda f: (-f["severity"], -f["score"], f["time"], str(f["event_id"])))
    shown = [f if content else f | {"evidence": None} for f in found[:MOST_FINDINGS]]
    return Evidence(shown, len(named) <= MOST_PARTS and len(found) <= MOST_FINDINGS)


def _own(findings: pa.Table, case: RowMapping) -> pa.Table:
    """Keep a case's findings: those of its account, else of its session."""
    if case["account"]:
        return findings.filter(pc.equal(findings["account"], case["account"]))
    mine = pc.is_in(findings["session"], pa.array(case["sessions"], pa.string()))
    return findings.filter(pc.and_(pc.is_null(findings["account"]), mine))


def messages_of_case(connection: Connection, case: RowMapping, sealer: Sealer, limit: int) -> Sequence[dict[str, Any]]:
    """Read the newest messages of a case's account that are still kept; of a case without an account, none."""
    if not case["account"]:
        return []
    found: list[dict[str, Any]] = []
    for parcel, sealed in events.parcels_of(connection, case["account"], MOST_PARTS):
        table = pa.Table.from_batches([events.unpack(sealed, sealer, parcel)])
        own = table.filter(pc.equal(table["account"], case["account"])).select(list(_MESSAGE))
        found += own.to_pylist()
    found.sort(key=lambda row: (row["time"], row["event_id"]), reverse=True)
    return found[:limit]
