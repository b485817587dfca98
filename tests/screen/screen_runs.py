"""A whole screening run over native events, in any cut, and findings in a form that two runs can be compared in."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.forms import FINDINGS, SKETCHES
from tocsin.screen import Activity, RuleDetector, Screened, Tally, judge_behaviour, screen_batch, thin_sketches
from tocsin.screen.examples.scenes import Event, traffic

Row = dict[str, Any]
COMPARED = ("event_id", "account", "session", "time", "rule", "kind", "severity", "score", "evidence")


def screened(events: Sequence[Event], detector: RuleDetector, cuts: Iterable[int] = ()) -> list[Screened]:
    marks = [0, *sorted(cut % (len(events) + 1) for cut in cuts), len(events)]
    pieces = [events[a:b] for a, b in pairwise(marks)]
    return [screen_batch(traffic(piece), detector) for piece in pieces if piece]


def tallied(counts: Iterable[pa.Table], **settings: Any) -> Activity:
    tally = Tally(**settings)
    for own in counts:
        tally.add(own)
    return tally.whole()


def judged(parts: Sequence[Screened]) -> tuple[pa.Table, pa.Table]:
    """The findings of a run, those about events in order of the event, and its activity."""
    rules = pa.concat_tables([FINDINGS.empty_table(), *(p.findings for p in parts)])
    total = sum(len(p.sketches) for p in parts)
    sketches = pa.concat_tables(thin_sketches(s, total) for s in (SKETCHES.empty_table(), *(p.sketches for p in parts)))
    found, activity = judge_behaviour(tallied(p.activity for p in parts), sketches, rules, "test")
    whole = pa.concat_tables([rules.sort_by([("event_id", "ascending"), ("rule", "ascending")]), found])
    return whole, activity


def run(events: Sequence[Event], detector: RuleDetector, cuts: Iterable[int] = ()) -> tuple[pa.Table, pa.Table]:
    return judged(screened(events, detector, cuts))


def said(findings: pa.Table, name: str) -> list[Row]:
    return [row for row in findings.to_pylist() if row["detector"] == name]


def comparable(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    plain = [tuple(r[c] if c != "score" else float(np.float32(r[c])) for c in COMPARED) for r in rows]
    spans = [(r.get("span_start"), r.get("span_end")) for r in rows]
    return sorted(((*p, *s) for p, s in zip(plain, spans, strict=True)), key=repr)
