"""The contract that every detector keeps: examples, a slow reference, and findings that no cut or order changes."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from screen_edges import EDGES
from screen_runs import comparable, judged, run, said, screened, tallied
from screen_worlds import worlds

from tocsin.flow.spill import SpillFile
from tocsin.forms import FINDINGS, SCORES, SKETCHES
from tocsin.screen import BEHAVIOUR_DETECTORS, Activity, RuleDetector, screen_batch
from tocsin.screen.activity import COUNTS
from tocsin.screen.examples import EXAMPLES
from tocsin.screen.examples.scenes import Event, traffic
from tocsin.screen.reference import REFERENCES
from tocsin.standard import Standard

NAMES = ("rules", *(d.name for d in BEHAVIOUR_DETECTORS))
POSITIVE = [(name, world) for name in NAMES for world in EXAMPLES[name].positive]
NEGATIVE = [(name, world) for name in NAMES for world in EXAMPLES[name].negative]
MILD = [(name, world) for name in NAMES for world in EXAMPLES[name].mild]
BENIGN_BELOW = 3


def test_every_detector_has_a_name_a_version_examples_and_a_reference() -> None:
    detectors = [RuleDetector, *map(type, BEHAVIOUR_DETECTORS)]
    assert [d.name for d in detectors] == sorted(set(NAMES), key=NAMES.index)
    assert all(d.version.isdigit() for d in detectors)
    assert set(EXAMPLES) == set(REFERENCES) == set(NAMES)
    assert all(len(e.positive) >= 2 and len(e.negative) >= 2 for e in EXAMPLES.values())


@pytest.mark.parametrize(("name", "world"), POSITIVE)
def test_speaks_in_positive_worlds(name: str, world: str, bell_detector: RuleDetector) -> None:
    severity, events = EXAMPLES[name].positive[world]
    assert max((r["severity"] for r in said(run(events, bell_detector)[0], name)), default=None) == severity


@pytest.mark.parametrize(("name", "world"), NEGATIVE)
def test_is_silent_in_negative_worlds(name: str, world: str, bell_detector: RuleDetector) -> None:
    assert said(run(EXAMPLES[name].negative[world], bell_detector)[0], name) == []


@pytest.mark.parametrize(("name", "world"), MILD)
def test_hints_at_most_at_benign_worlds(name: str, world: str, bell_detector: RuleDetector) -> None:
    severities = {r["severity"] for r in said(run(EXAMPLES[name].mild[world], bell_detector)[0], name)}
    assert severities and max(severities) < BENIGN_BELOW


@pytest.mark.parametrize("name", NAMES)
def test_equals_its_reference_on_its_examples(name: str, bell_detector: RuleDetector, bells: Standard) -> None:
    own = EXAMPLES[name]
    for events in (*(e for _, e in own.positive.values()), *own.negative.values(), *own.mild.values()):
        found = said(run(events, bell_detector)[0], name)
        assert comparable(found) == comparable(REFERENCES[name](events, bells))


@pytest.mark.parametrize("edge", EDGES)
def test_equals_its_reference_on_every_edge(edge: str, bell_detector: RuleDetector, bells: Standard) -> None:
    findings, _ = run(EDGES[edge], bell_detector)
    for name in NAMES[1:]:
        assert comparable(said(findings, name)) == comparable(REFERENCES[name](EDGES[edge], bells)), name


@budget(max_examples=20)
@given(worlds())
def test_equals_its_reference(bell_detector: RuleDetector, bells: Standard, events: list[Event]) -> None:
    findings, _ = run(events, bell_detector)
    for name in NAMES:
        assert comparable(said(findings, name)) == comparable(REFERENCES[name](events, bells)), name


@budget(max_examples=25)
@given(worlds(), st.lists(st.integers(0, 10_000), max_size=6), st.randoms(use_true_random=False))
def test_no_cut_and_no_order_changes_anything(
    bell_detector: RuleDetector, events: list[Event], cuts: list[int], chance: random.Random
) -> None:
    findings, activity = run(events, bell_detector)
    shuffled = chance.sample(events, len(events))
    for other in (events, shuffled):
        parts = screened(other, bell_detector, cuts)
        again, merged = judged(chance.sample(parts, len(parts)))
        assert again.equals(findings)
        assert merged.equals(activity)


def spilled(parts: list[pa.Table]) -> Activity:
    with TemporaryDirectory() as folder:
        return tallied(parts, spill=SpillFile(Path(folder)), most_rows=1, most_hours=1)


@budget(max_examples=25)
@given(worlds(), st.lists(st.integers(0, 10_000), min_size=2, max_size=5))
def test_activity_merges_alike_in_any_grouping(
    bell_detector: RuleDetector, events: list[Event], cuts: list[int]
) -> None:
    (once,) = screened(events, bell_detector) or [screen_batch(traffic([]), bell_detector)]
    whole = tallied([once.activity])
    parts = [COUNTS.empty_table(), *(p.activity for p in screened(events, bell_detector, cuts))]
    for again in (tallied(parts), tallied(reversed(parts)), tallied(parts, most_rows=1), spilled(parts)):
        assert again.rows.equals(whole.rows)
        assert again.pace.equals(whole.pace)


@budget(max_examples=10)
@given(worlds())
def test_tables_keep_their_schemas(bell_detector: RuleDetector, events: list[Event]) -> None:
    parts = screened(events, bell_detector, [len(events) // 2])
    findings, _ = judged(parts)
    findings.validate(full=True)
    assert findings.schema == FINDINGS
    assert set(findings["detector"].to_pylist()) <= set(NAMES)
    assert set(findings["detector_version"].to_pylist()) <= {"1", "2"}
    assert all(p.sketches.schema == SKETCHES and p.scores.schema == SCORES for p in parts)
    ids = pa.concat_tables(p.scores for p in parts)["event_id"].to_pylist()
    assert ids == [e["id"] for e in events]
