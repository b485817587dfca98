"""Findings of the standard's rules on single events."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from tocsin.forms import FINDINGS
from tocsin.screen.evidence import excerpt
from tocsin.standard import RulePack, Standard, compile_pack
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
        found = self.pack.found(folded, batch["role"])
        rows = pa.array(found[:, 0])
        about = batch.select(["event_id", "account", "session", "time"]).take(rows)
        spans = folded.spans(found[:, 2:])
        texts = batch["text"].take(rows).to_pylist() if self.keep_evidence else [None] * len(rows)
        evidence = [text and excerpt(text, *span) for text, span in zip(texts, spans.tolist(), strict=True)]
        columns = {
            **{name: pa.repeat(value, len(rows)) for name, value in self._same.items()},
            **{name: values.take(pa.array(found[:, 1])) for name, values in self._of_rules.items()},
            "span_start": pa.array(spans[:, 0]),
            "span_end": pa.array(spans[:, 1]),
            "evidence": pa.array(evidence, pa.string()),
        }
        arrays = [columns[f.name].cast(f.type) for f in FINDINGS if f.name in columns]
        return pa.Table.from_arrays([*about.columns, *arrays], schema=FINDINGS)

    @cached_property
    def _same(self) -> dict[str, str]:
        return {
            "detector": self.name,
            "detector_version": self.version,
            "standard_version": self.standard_version,
        }

    @cached_property
    def _of_rules(self) -> dict[str, pa.Array]:
        """Hold what every finding of a rule says, by the rule's number."""
        forms = [rule.form for rule in self.pack.rules]
        return {
            "rule": pa.array([form.id for form in forms], pa.string()),
            "kind": pa.array([form.kind for form in forms], pa.string()),
            "severity": pa.array([form.severity for form in forms]),
            "score": pa.array([SCORE_OF_CONFIDENCE[form.confidence] for form in forms]),
        }


def rule_detector(standard: Standard, pack: RulePack | None = None, *, keep_evidence: bool = True) -> RuleDetector:
    """Build the detector of a standard's rules."""
    return RuleDetector(pack or compile_pack(standard), standard.version, keep_evidence)
