"""The classifier as a detector: scores of every event, and a weak finding about the few that score highest."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.forms import FINDINGS, LABELS, SCORED, SESSIONS, TURNS
from tocsin.screen.asked import asked_rows
from tocsin.screen.classifier.labelled import KINDS
from tocsin.screen.classifier.scales import SPEAKS_AT, by_language
from tocsin.screen.classifier.sessions import count_sessions
from tocsin.screen.classifier.sofar import turns_of
from tocsin.screen.classifier.stages import Judgement, Stages, first_scan, judge
from tocsin.screen.classifier.voices import Rows
from tocsin.screen.evidence import excerpt
from tocsin.text import Folded, Scanned

Floats = NDArray[np.float64]
SEVERITY = 2  # a hint: it makes a case only together with another voice
LOCAL = "L-"  # kinds that no finding of the classifier names: they have their columns
OPENING = 120  # characters of an event that the excerpt of a finding shows
_SHARED_LABELS = [label for label in LABELS if not KINDS[label].startswith(LOCAL)]
_SHARED = np.array([not KINDS[label].startswith(LOCAL) for label in LABELS])


@dataclass(frozen=True, slots=True)
class Judged:
    """Hold what the classifier says of a batch: FINDINGS and their rows, SCORED, partial SESSIONS, and TURNS."""

    findings: pa.Table
    rows: Rows
    scored: pa.Table
    sessions: pa.Table
    turns: pa.Table


@dataclass(frozen=True)
class ClassifierDetector:
    """Judge events by the stages."""

    stages: Stages
    standard_version: str
    keep_evidence: bool = True
    sessions: bool = True

    name: ClassVar[str] = "classifier"

    def scan(self, folded: Folded, asked: NDArray[np.uint8] | None = None) -> Scanned:
        """Scan a batch once, for this detector and for those that ask for sampled windows.

        Where the sums of a line are not asked for, what is said of its event means nothing; no finding is made of it.
        """
        return first_scan(folded, self.stages.model, asked)

    def find(
        self, batch: pa.RecordBatch, folded: Folded, voices: NDArray[np.float32], scanned: Scanned | None = None
    ) -> Judged:
        """Judge a batch of TRAFFIC by its folded texts and what was found in it."""
        judged, shared = self.weigh(folded, voices, scanned)
        rows = np.flatnonzero(self.outstanding(judged, shared) & asked_rows(batch))
        sessions = count_sessions(batch, judged) if self.sessions else SESSIONS.empty_table()
        turns = turns_of(batch, judged, self.stages.model) if self.sessions else TURNS.empty_table()
        findings = self._findings(batch, folded, rows.tolist(), judged, shared)
        return Judged(findings, rows, _scored(judged, shared), sessions, turns)

    def weigh(
        self, folded: Folded, voices: NDArray[np.float32], scanned: Scanned | None = None
    ) -> tuple[Judgement, Floats]:
        """Judge texts by what rules say of them; also give how probable misuse of a shared kind is."""
        judged = judge(folded, voices, self.stages, scanned)
        return judged, shared_of(judged, voices)

    def outstanding(self, judged: Judgement, shared: Floats) -> NDArray[np.bool_]:
        """Say of which texts there is a finding, if somebody asked them."""
        return np.asarray(shared > self._floors(judged))

    def _findings(
        self, batch: pa.RecordBatch, folded: Folded, rows: list[int], judged: Judgement, shared: Floats
    ) -> pa.Table:
        about = batch.select(["event_id", "account", "session", "time"]).take(pa.array(rows, pa.int64()))
        count, kinds = len(rows), [gravest_kind(judged.labels[row]) for row in rows]
        columns = {
            "detector": [self.name] * count,
            "detector_version": [self.stages.model.digest] * count,
            "rule": [None] * count,
            "kind": kinds,
            "severity": [SEVERITY] * count,
            "score": shared[rows],
            "span_start": [None] * count,
            "span_end": [None] * count,
            "evidence": [self._evidence(folded, row) for row in rows],
            "standard_version": [self.standard_version] * count,
        }
        arrays = (pa.array(values, FINDINGS.field(name).type) for name, values in columns.items())
        return pa.Table.from_arrays([*about.columns, *arrays], schema=FINDINGS)

    def _floors(self, judged: Judgement) -> NDArray[np.float64]:
        first, second = (
            by_language(judged.langs, self.stages.model.card.scales[stage], lambda scale: scale.threshold(SPEAKS_AT))
            for stage in ("first", "second")
        )
        return np.where(judged.stage == "first", first, second)

    def _evidence(self, folded: Folded, row: int) -> str | None:
        text = folded.texts[row].as_py()
        return excerpt(text, 0, min(len(text), OPENING)) if self.keep_evidence else None


def shared_of(judged: Judgement, voices: NDArray[np.float32]) -> Floats:
    """Say how probable misuse of a shared kind is: where a rule spoke, it is less likely to be local."""
    local = sum(judged.labels.T[~_SHARED])
    return np.asarray(judged.harm - local * (1 - np.maximum(*voices.T)))


def gravest_kind(labels: Floats) -> str:
    """Name the likeliest of the kinds that are shared."""
    return KINDS[_SHARED_LABELS[int(labels[_SHARED].argmax())]]


def _scored(judged: Judgement, shared: Floats) -> pa.Table:
    columns = [shared, judged.harm, *judged.labels.T]
    arrays = [pa.array(c.astype(np.float32)) for c in columns]
    return pa.Table.from_arrays([*arrays, _texts(judged.stage), pa.array(judged.cost)], schema=SCORED)


def _texts(stage: NDArray[np.str_]) -> pa.Array:
    """Write stages down; mostly all are the same, and Arrow reads NumPy's texts slowly."""
    alike = len(stage) > 0 and bool((stage == stage[0]).all())
    return pa.repeat(pa.scalar(str(stage[0])), len(stage)) if alike else pa.array(stage)
