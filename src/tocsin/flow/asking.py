"""Small questions: what the standard says of one text, what is in it, what its rules cost, a finished run's tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from tocsin.flow.screening import Clock
from tocsin.forms import TRAFFIC
from tocsin.screen import rule_detector
from tocsin.standard import Price, compile_pack, load_standard, price_rules
from tocsin.text import fold_batch
from tocsin.traffic.sample import build_sample

_SHOWN = ("rule", "kind", "severity", "score", "span_start", "span_end", "evidence")


def check_text(text: str, folder: Path | None, cache: Path | None) -> list[dict[str, Any]]:
    """Screen one text as a user's event; return its findings, gravest first, with titles in both languages."""
    standard = load_standard(folder, cache=cache)
    event = {"event_id": "text", "time": datetime(1970, 1, 1, tzinfo=UTC), "role": "user", "text": text}
    batch = pa.RecordBatch.from_pylist([event], TRAFFIC)
    found = rule_detector(standard, compile_pack(standard, cache)).find(batch, fold_batch(batch["text"]))
    rows = [{name: row[name] for name in _SHOWN} for row in found.to_pylist()]
    for row in rows:
        row["title"] = standard.by_id[row["rule"]].form.title.model_dump()
        row["score"] = round(row["score"], 4)
    return sorted(rows, key=lambda r: (-r["severity"], -r["score"], r["rule"]))


def describe_standard(folder: Path | None) -> list[dict[str, Any]]:
    """List kinds, local ones that have rules included, each with its rules' ids and severities."""
    standard = load_standard(folder, prove=folder is not None)
    severity = {k.id: k.severity for k in standard.kinds}
    codes = sorted(severity) + sorted({r.kind for r in standard.rules} - set(severity))
    names = {code: name.model_dump() for code, name in standard.names.items()}
    return [
        {
            "id": code,
            "severity": severity.get(code),
            "name": names.get(code, {"en": code, "zh": code}),
            "rules": [{"id": r.id, "severity": r.form.severity} for r in standard.rules if r.kind == code],
        }
        for code in codes
    ]


def describe(name: str, folder: Path | None) -> dict[str, Any] | None:
    """Show a kind or a rule in full; None where nothing has that name."""
    standard = load_standard(folder, prove=folder is not None)
    if name in standard.by_id:
        return standard.by_id[name].form.model_dump(by_alias=True, mode="json", exclude_none=True)
    kinds = [k for k in standard.kinds if k.id == name]
    return kinds[0].model_dump(mode="json", exclude_none=True) if kinds else None


def price_standard(folder: Path | None, cache: Path | None, clock: Clock) -> Sequence[Price]:
    """Price the rules of a standard on the texts of the built-in sample, dearest first."""
    standard = load_standard(folder, cache=cache)
    texts = pa.array([str(e["text"]) for e in build_sample(1).events], pa.string())
    return price_rules(standard, compile_pack(standard, cache), fold_batch(texts), clock)
