"""Screen one batch: TRAFFIC in; FINDINGS, partial ACTIVITY, SKETCHES and SCORES out. A pure function of the batch."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import FINGERPRINTS, SCORED, SCORES, SESSIONS, SKETCHES, TURNS
from tocsin.screen.activity import count_activity
from tocsin.screen.asked import asked_rows
from tocsin.screen.classifier import ClassifierDetector, Rows, rows_of, voices_of
from tocsin.screen.detectors.fingerprint import FingerprintDetector
from tocsin.screen.detectors.rules import RuleDetector
from tocsin.text import WANT_HASHES, WANT_SUMS, Folded, Scanned, fold_batch, scan_batch, sketch_batch

LEAST_HASHES = 4  # a shorter text is shared by chance
WORTH_NOTING = 2  # the severity from which a rule's kind is noted beside a sketch
_UNSCORED = SCORES.empty_table()


@dataclass(frozen=True, slots=True)
class Screened:
    """Hold what one batch gave."""

    findings: pa.Table
    activity: pa.Table
    sketches: pa.Table
    scores: pa.Table
    fingerprints: pa.Table
    sessions: pa.Table
    turns: pa.Table  # what scores of later turns may depend on


def screen_batch(
    batch: pa.RecordBatch,
    detector: RuleDetector,
    alarms: FingerprintDetector | None = None,
    classifier: ClassifierDetector | None = None,
    *,
    scores: bool = True,
) -> Screened:
    """Screen a batch of TRAFFIC, and score its events if asked; any cut of a stream gives the same findings."""
    folded = fold_batch(batch["text"])
    asked = _asked(batch, folded, scores)
    scanned = classifier.scan(folded, asked) if classifier else scan_batch(folded, asked=asked)
    findings, told = _heard(batch, folded, scanned, detector, alarms)
    rows, judged = rows_of(batch["event_id"], findings), None
    if classifier:
        judged = classifier.find(batch, folded, voices_of(findings, rows, batch.num_rows), scanned)
        findings, rows = pa.concat_tables([findings, judged.findings]), np.concatenate([rows, judged.rows])
    order = np.argsort(rows, kind="stable")  # event by event: rules, then alarms, then the classifier
    findings, rows = findings.take(order), rows[order]
    gravest = _gravest(findings, rows, batch.num_rows)
    return Screened(
        findings,
        count_activity(batch),
        _sketches(batch, sketch_batch(folded, scanned), findings, gravest),
        score_events(batch, findings, rows, gravest, judged.scored if judged else None) if scores else _UNSCORED,
        told,
        judged.sessions if judged else SESSIONS.empty_table(),
        judged.turns if judged else TURNS.empty_table(),
    )


def _asked(batch: pa.RecordBatch, folded: Folded, scores: bool) -> NDArray[np.uint8]:
    """Say what is wanted of each line: findings and sketches are of what users and tools said, scores of all events."""
    spoken = asked_rows(batch)[folded.rows(np.arange(len(folded)))]
    return np.where(spoken, WANT_HASHES + WANT_SUMS, WANT_SUMS if scores else 0).astype(np.uint8)


def _heard(
    batch: pa.RecordBatch,
    folded: Folded,
    scanned: Scanned,
    detector: RuleDetector,
    alarms: FingerprintDetector | None,
) -> tuple[pa.Table, pa.Table]:
    """Give the FINDINGS of rules, those of alarms behind them, and FINGERPRINTS."""
    found = detector.find(batch, folded)
    if not alarms:
        return found, FINGERPRINTS.empty_table()
    heard, told = alarms.find(batch, folded, scanned)
    return pa.concat_tables([found, heard]), told


def score_events(
    batch: pa.RecordBatch, findings: pa.Table, rows: Rows, gravest: pa.Array, scored: pa.Table | None = None
) -> pa.Table:
    """Score every event once, under the kind of its gravest finding: as SCORED has it, else by the findings alone."""
    if scored is None:
        nothing = [pa.nulls(batch.num_rows, field.type) for field in SCORED][1:]
        scored = pa.Table.from_arrays([_chance(batch.num_rows, findings, rows), *nothing], schema=SCORED)
    kinds = findings["kind"].combine_chunks().take(gravest)
    return pa.Table.from_arrays([batch["event_id"], kinds, *scored.columns], schema=SCORES)


def _chance(events: int, findings: pa.Table, rows: Rows) -> pa.Array:
    """Give the chance that not all findings of an event err."""
    doubt = np.ones(events)
    np.multiply.at(doubt, rows, 1 - findings["score"].to_numpy())
    return pa.array((1 - doubt).astype(np.float32))


def _sketches(batch: pa.RecordBatch, hashes: pa.Array, findings: pa.Table, gravest: pa.Array) -> pa.Table:
    long_enough = pc.greater_equal(pc.list_value_length(hashes), LEAST_HASHES)
    asked = pc.and_(pc.equal(batch["role"], "user"), pc.is_valid(batch["account"]))
    noted = findings.select(["kind", "severity"]).combine_chunks().take(gravest)
    kinds = pc.if_else(pc.greater_equal(noted["severity"], WORTH_NOTING), noted["kind"], None)
    about = [batch[c] for c in ("event_id", "account", "session", "time")]
    table = pa.Table.from_arrays([*about, kinds, hashes], schema=SKETCHES)
    return table.filter(pc.and_(long_enough, asked))


def _gravest(findings: pa.Table, rows: Rows, events: int) -> pa.Array:
    """Name the gravest finding of each event, of equals the surest, then the first; null where it has none."""
    keys = [("severity", "descending"), ("score", "descending"), ("rule", "ascending")]
    worst_last = pc.sort_indices(findings, sort_keys=keys).to_numpy()[::-1]
    place = np.full(events, -1)
    place[rows[worst_last]] = worst_last
    return pa.array(place, mask=place < 0)
