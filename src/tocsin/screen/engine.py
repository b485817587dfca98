"""Screen one batch: TRAFFIC in; FINDINGS, partial ACTIVITY, SKETCHES and SCORES out. A pure function of the batch."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import SCORES, SKETCHES
from tocsin.screen.activity import count_activity
from tocsin.screen.detectors.rules import RuleDetector
from tocsin.text import fold_batch, sketch_batch

LEAST_HASHES = 4  # a shorter text is shared by chance
WORTH_NOTING = 2  # the severity from which a rule's kind is noted beside a sketch


@dataclass(frozen=True, slots=True)
class Screened:
    """Hold what one batch gave."""

    findings: pa.Table
    activity: pa.Table
    sketches: pa.Table
    scores: pa.Table


def screen_batch(batch: pa.RecordBatch, detector: RuleDetector) -> Screened:
    """Screen a batch of TRAFFIC; any cut of a stream into batches gives the same findings."""
    folded = fold_batch(batch["text"])
    findings = detector.find(batch, folded)
    sketches = _sketches(batch, sketch_batch(folded), findings)
    return Screened(findings, count_activity(batch), sketches, score_events(batch, findings))


def score_events(batch: pa.RecordBatch, findings: pa.Table) -> pa.Table:
    """Score every event once: the chance that not all of its findings err, under the kind of the gravest one."""
    scores = np.zeros(batch.num_rows, dtype=np.float32)
    kinds: list[str | None] = [None] * batch.num_rows
    if findings.num_rows:
        rows = pc.index_in(findings["event_id"], batch["event_id"]).to_numpy()
        doubt = np.ones(batch.num_rows)
        np.multiply.at(doubt, rows, 1 - findings["score"].to_numpy())
        scores = (1 - doubt).astype(np.float32)
        order = np.lexsort((findings["score"].to_numpy(), findings["severity"].to_numpy()))
        names = findings["kind"].to_pylist()
        for i in order:
            kinds[rows[i]] = names[i]
    return pa.Table.from_arrays([batch["event_id"], pa.array(kinds, pa.string()), pa.array(scores)], schema=SCORES)


def _sketches(batch: pa.RecordBatch, hashes: pa.Array, findings: pa.Table) -> pa.Table:
    long_enough = pc.greater_equal(pc.list_value_length(hashes), LEAST_HASHES)
    asked = pc.and_(pc.equal(batch["role"], "user"), pc.is_valid(batch["account"]))
    grave = findings.filter(pc.greater_equal(findings["severity"], WORTH_NOTING)).sort_by([("severity", "descending")])
    kinds = grave["kind"].combine_chunks().take(pc.index_in(batch["event_id"], grave["event_id"].combine_chunks()))
    about = [batch[c] for c in ("event_id", "account", "session", "time")]
    table = pa.Table.from_arrays([*about, kinds, hashes], schema=SKETCHES)
    return table.filter(pc.and_(long_enough, asked))
