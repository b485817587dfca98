"""Screen one batch: TRAFFIC in; FINDINGS, partial ACTIVITY, SKETCHES and SCORES out. A pure function of the batch."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import FINGERPRINTS, SCORED, SCORES, SESSIONS, SKETCHES, TURNS
from tocsin.screen.activity import count_activity
from tocsin.screen.classifier import ClassifierDetector
from tocsin.screen.detectors.fingerprint import FingerprintDetector, asked_rows
from tocsin.screen.detectors.rules import RuleDetector
from tocsin.text import fold_batch, scan_batch, sketch_batch

LEAST_HASHES = 4  # a shorter text is shared by chance
WORTH_NOTING = 2  # the severity from which a rule's kind is noted beside a sketch


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
) -> Screened:
    """Screen a batch of TRAFFIC; any cut of a stream into batches gives the same findings.

    Sketches and alarms are of what users and tools said, so only there are windows sampled.
    """
    folded = fold_batch(batch["text"])
    asked = asked_rows(batch)[folded.rows(np.arange(len(folded)))]
    scanned = classifier.scan(folded, asked) if classifier else scan_batch(folded, asked=asked)
    findings, told = detector.find(batch, folded), FINGERPRINTS.empty_table()
    if alarms:
        heard, told = alarms.find(batch, folded, scanned)
        findings = _in_order(batch, findings, heard)
    judged = classifier.find(batch, folded, findings, scanned) if classifier else None
    if judged:
        findings = _in_order(batch, findings, judged.findings)
    sketches = _sketches(batch, sketch_batch(folded, scanned), findings)
    scores = score_events(batch, findings, judged.scored if judged else None)
    sessions = judged.sessions if judged else SESSIONS.empty_table()
    turns = judged.turns if judged else TURNS.empty_table()
    return Screened(findings, count_activity(batch), sketches, scores, told, sessions, turns)


def _in_order(batch: pa.RecordBatch, findings: pa.Table, heard: pa.Table) -> pa.Table:
    """Put the findings of alarms behind those of rules, event by event."""
    if not len(heard):
        return findings
    both = pa.concat_tables([findings, heard])
    return both.take(np.argsort(pc.index_in(both["event_id"], batch["event_id"]).to_numpy(), kind="stable"))


def score_events(batch: pa.RecordBatch, findings: pa.Table, scored: pa.Table | None = None) -> pa.Table:
    """Score every event once, under the kind of its gravest finding: as SCORED has it, else by the findings alone."""
    if scored is None:
        nothing = [pa.nulls(batch.num_rows, field.type) for field in SCORED][1:]
        scored = pa.Table.from_arrays([_chance(batch, findings), *nothing], schema=SCORED)
    return pa.Table.from_arrays([batch["event_id"], _gravest_kinds(batch, findings), *scored.columns], schema=SCORES)


def _chance(batch: pa.RecordBatch, findings: pa.Table) -> pa.Array:
    """Give the chance that not all findings of an event err."""
    rows = pc.index_in(findings["event_id"], batch["event_id"]).to_numpy()
    doubt = np.ones(batch.num_rows)
    np.multiply.at(doubt, rows, 1 - findings["score"].to_numpy())
    return pa.array((1 - doubt).astype(np.float32))


def _sketches(batch: pa.RecordBatch, hashes: pa.Array, findings: pa.Table) -> pa.Table:
    long_enough = pc.greater_equal(pc.list_value_length(hashes), LEAST_HASHES)
    asked = pc.and_(pc.equal(batch["role"], "user"), pc.is_valid(batch["account"]))
    noted = findings.filter(pc.greater_equal(findings["severity"], WORTH_NOTING))
    about = [batch[c] for c in ("event_id", "account", "session", "time")]
    table = pa.Table.from_arrays([*about, _gravest_kinds(batch, noted), hashes], schema=SKETCHES)
    return table.filter(pc.and_(long_enough, asked))


def _gravest_kinds(batch: pa.RecordBatch, findings: pa.Table) -> pa.Array:
    """Give each event the kind of its gravest finding, of equals the surest, then the first; null where it has none."""
    ordered = findings.sort_by([("severity", "descending"), ("score", "descending"), ("rule", "ascending")])
    place = pc.index_in(batch["event_id"], ordered["event_id"].combine_chunks())
    return ordered["kind"].combine_chunks().take(place)
