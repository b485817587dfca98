"""Screen a few texts at once, without tables: what a check asks for while somebody waits.

The answers are those of `screen_batch` on the same texts, which is the slow reference; a table a column would take most
of the time that a handful of messages takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.forms import LABELS, TRAFFIC
from tocsin.screen.asked import ASKING
from tocsin.screen.classifier import (
    KINDS,
    ClassifierDetector,
    Encode,
    Judgement,
    Model,
    gravest_kind,
    judge_in_calls,
)
from tocsin.screen.classifier.detector import SEVERITY, shared_of
from tocsin.screen.classifier.guard import Answer, Ask
from tocsin.screen.classifier.voices import GRAVE, VOICES, WEAK
from tocsin.screen.detectors.fingerprint import FingerprintDetector
from tocsin.screen.detectors.rules import SCORE_OF_CONFIDENCE, RuleDetector
from tocsin.standard import OutOfTimeError, RuleMatch
from tocsin.text import Folded, fold_batch

Clock = Callable[[], float]  # seconds, monotonic
Floats = NDArray[np.float64]
Voices = NDArray[np.float32]
_KINDS = tuple(KINDS[label] for label in LABELS)
_TIME = TRAFFIC.field("time").type


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold a detector's statement about one text; `start` and `end` count code points, None where it is about all."""

    row: int
    role: str
    detector: str
    version: str
    rule: str | None
    kind: str
    severity: int
    score: float
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Hold what the stages say of one text: probabilities, of each kind too, and which stage had the last word.

    `unheard` is the same without the findings of alarms, where there are any.
    """

    score: float
    harm: float
    kinds: dict[str, float]
    stage: str
    unheard: "Judged | None" = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold what was found in texts; `seconds` says how long each stage took for all of them together.

    `unread` are the texts of which the rules could not try all in time.
    """

    findings: list[Finding]
    judged: list[Judged]
    seconds: dict[str, float]
    unread: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Screens:
    """Hold the detectors of single messages."""

    rules: RuleDetector
    classifier: ClassifierDetector
    alarms: FingerprintDetector | None = None

    def screen(
        self, texts: Sequence[str], roles: Sequence[str], clock: Clock, patience: float = inf, calls: Sequence[int] = ()
    ) -> Heard:
        """Screen texts with the role of each; `patience` is how many seconds rules may take.

        `calls` numbers the conversation that each text stands in; without it each stands alone.
        """
        started = clock()
        folded = fold_batch(pa.array(texts, pa.string()))
        matches, unread = self._matches(folded, roles, lambda: clock() - started < patience)
        findings = [self._said(match, folded, roles) for match in matches]
        seconds, at = {"rules": clock() - started}, clock()
        alarms = self._by_alarms(folded, roles) if self.alarms else []
        if self.alarms:
            seconds["alarms"], at = clock() - at, clock()
        spent: dict[str, float] = {}
        asked = _Asked(roles, calls or range(len(roles)))
        judged, more = self._judged(folded, asked, findings, alarms, self._timed(spent, clock))
        seconds |= {"first": clock() - at - sum(spent.values()), **spent}
        return Heard(sorted([*findings, *alarms, *more], key=lambda f: f.row), judged, seconds, unread)

    def _matches(
        self, folded: Folded, roles: Sequence[str], time_left: Callable[[], bool]
    ) -> tuple[list[RuleMatch], frozenset[int]]:
        try:
            return self.rules.pack.matches(folded, roles, time_left), frozenset()
        except OutOfTimeError as cut:
            return cut.found, frozenset(cut.unread)

    def _said(self, match: RuleMatch, folded: Folded, roles: Sequence[str]) -> Finding:
        form, span = match.rule.form, folded.span(match.line, match.start, match.end)
        what = (form.id, form.kind, form.severity, SCORE_OF_CONFIDENCE[form.confidence])
        return Finding(match.row, roles[match.row], self.rules.name, self.rules.version, *what, *span)

    def _by_alarms(self, folded: Folded, roles: Sequence[str]) -> list[Finding]:
        if not self.alarms or not any(True for _ in self.alarms.matches(folded)):
            return []
        table, _ = self.alarms.find(as_traffic(folded.texts, roles), folded)
        names = ("detector", "detector_version", "rule", "kind", "severity", "score", "span_start", "span_end")
        rows = [int(row) for row in table["event_id"].to_pylist()]
        said = zip(*(table[name].to_pylist() for name in names), strict=True)
        return [Finding(row, roles[row], *one) for row, one in zip(rows, said, strict=True)]

    def _judged(
        self,
        folded: Folded,
        asked: "_Asked",
        findings: Sequence[Finding],
        alarms: Sequence[Finding],
        classifier: ClassifierDetector,
    ) -> tuple[list[Judged], list[Finding]]:
        """Judge every text, and once more without alarms where one speaks; add the classifier's findings."""
        roles, model = asked.roles, classifier.stages.model
        voices = _voices(len(roles), [*findings, *alarms])
        judged, shared = classifier.weigh(folded, voices)
        rows = asked.rows(judged, voices, model)
        if alarms:
            voices = _voices(len(roles), findings)
            own = asked.rows(classifier.weigh(folded, voices)[0], voices, model)
            told = {alarm.row for alarm in alarms}  # and what stands behind them in the same conversation
            rows = [
                replace(r, unheard=o) if n in told or o != r else r
                for n, (r, o) in enumerate(zip(rows, own, strict=True))
            ]
        spoken = np.flatnonzero(classifier.outstanding(judged, shared)).tolist()
        version = classifier.stages.model.digest if spoken else ""
        about = (classifier.name, version, None)
        found = [
            Finding(row, roles[row], *about, gravest_kind(judged.labels[row]), SEVERITY, float(shared[row]))
            for row in spoken
            if roles[row] in ASKING
        ]
        return rows, found

    def _timed(self, spent: dict[str, float], clock: Clock) -> ClassifierDetector:
        """Let the second stage and the guard note their time."""
        stages = self.classifier.stages
        if stages.encode is None:
            return self.classifier
        ask = _timed_ask(stages.ask, spent, clock) if stages.ask else None
        timed = replace(stages, encode=_timed_encode(stages.encode, spent, clock), ask=ask)
        return replace(self.classifier, stages=timed)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Hold the role of each text and the conversation that it stands in."""

    roles: Sequence[str]
    calls: Sequence[int]

    def rows(self, judged: Judgement, voices: Voices, model: Model) -> list[Judged]:
        """Judge texts in their conversations."""
        within = judge_in_calls(judged, self.roles, self.calls, model)
        shared = shared_of(within, voices)
        return [_row(within, shared, row) for row in range(len(self.roles))]


def _row(judged: Judgement, shared: Floats, row: int) -> Judged:
    shares = dict(zip(_KINDS, judged.labels[row].tolist(), strict=True))
    return Judged(float(shared[row]), float(judged.harm[row]), shares, str(judged.stage[row]))


def _voices(rows: int, findings: Sequence[Finding]) -> Voices:
    """Give the surest grave and the surest weak finding of every text, as `voices_of` does."""
    voices = np.zeros((rows, VOICES), dtype=np.float32)
    for f in findings:
        column = 0 if f.severity >= GRAVE else 1 if f.severity == WEAK else None
        if column is not None:
            voices[f.row, column] = max(voices[f.row, column], np.float32(f.score))
    return voices


def _timed_encode(encode: Encode, spent: dict[str, float], clock: Clock) -> Encode:
    def timed(texts: Sequence[str]) -> NDArray[np.float32]:
        started = clock()
        vectors = encode(texts)
        spent["second"] = spent.get("second", 0.0) + clock() - started
        return vectors

    return timed


def _timed_ask(ask: Ask, spent: dict[str, float], clock: Clock) -> Ask:
    def timed(texts: Sequence[str]) -> Sequence[Answer]:
        started = clock()
        answers = ask(texts)
        spent["guard"] = spent.get("guard", 0.0) + clock() - started
        return answers

    return timed


def as_traffic(texts: pa.Array, roles: Sequence[str]) -> pa.RecordBatch:
    """Make each text an event of nobody, numbered from 0."""
    rows = len(texts)
    given = {
        "event_id": pa.array([str(n) for n in range(rows)], pa.string()),
        "time": pa.array([0] * rows, pa.int64()).cast(_TIME),
        "role": pa.array(roles, pa.string()),
        "text": texts,
    }
    columns = [given.get(field.name, pa.nulls(rows, field.type)) for field in TRAFFIC]
    return pa.RecordBatch.from_arrays(columns, schema=TRAFFIC)
