"""Findings of the standard's rules on single events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from tocsin.forms import FINDINGS
from tocsin.screen.evidence import excerpt
from tocsin.standard import RuleMatch, RulePack, Standard, compile_pack
from tocsin.text import Folded

SCORE_OF_CONFIDENCE = {1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8, 5: 0.95}


@dataclass(frozen=True)
class RuleDetector:
    """Let every rule of a pack speak at most once of an event, where it matches first."""

    pack: RulePack
    standard_version: str
    keep_evidence: bool = True

    name: ClassVar[str] = "rules"
    version: ClassVar[str] = "1"

    def find(self, batch: pa.RecordBatch, folded: Folded) -> pa.Table:
        """Judge a batch of TRAFFIC with its folded texts; return FINDINGS in the order of events, then of rules."""
        roles = batch["role"].to_pylist()
        matches = self.pack.matches(folded, roles)
        rows = pa.array([m.row for m in matches], pa.int64())
        about = batch.select(["event_id", "account", "session", "time"]).take(rows)
        return pa.Table.from_arrays([*about.columns, *self._columns(matches, folded)], schema=FINDINGS)

    def _columns(self, matches: list[RuleMatch], folded: Folded) -> Iterator[pa.Array]:
        count = len(matches)
        forms = [m.rule.form for m in matches]
        spans = [folded.span(m.line, m.start, m.end) for m in matches]
        columns = {
            "detector": [self.name] * count,
            "detector_version": [self.version] * count,
            "rule": [form.id for form in forms],
            "kind": [form.kind for form in forms],
            "severity": [form.severity for form in forms],
            "score": [SCORE_OF_CONFIDENCE[form.confidence] for form in forms],
            "span_start": [start for start, _ in spans],
            "span_end": [end for _, end in spans],
            "evidence": [self._evidence(folded, m.row, *span) for m, span in zip(matches, spans, strict=True)],
            "standard_version": [self.standard_version] * count,
        }
        return (pa.array(values, FINDINGS.field(name).type) for name, values in columns.items())

    def _evidence(self, folded: Folded, row: int, start: int, end: int) -> str | None:
        return excerpt(folded.texts[row].as_py(), start, end) if self.keep_evidence else None


def rule_detector(standard: Standard, pack: RulePack | None = None, *, keep_evidence: bool = True) -> RuleDetector:
    """Build the detector of a standard's rules."""
    return RuleDetector(pack or compile_pack(standard), standard.version, keep_evidence)
