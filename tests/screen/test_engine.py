"""What one batch gives beside findings: scores, activity and sketches."""

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.compute as pc
import pytest
from screen_runs import run, tallied

from tocsin.forms import SKETCHES
from tocsin.screen import RuleDetector, count_activity, screen_batch, thin_sketches
from tocsin.screen.examples.scenes import GRAVE, HINT, Event, babble, crowd, event, filled, town, traffic


def test_every_event_is_scored_once(bell_detector: RuleDetector) -> None:
    events = [event("a", 1, 0, f"{GRAVE}, {HINT}"), event("a", 2, 0, HINT), event(None, 3, 0, "nothing")]
    scores = screen_batch(traffic(events), bell_detector).scores.to_pylist()
    assert [s["event_id"] for s in scores] == ["a-1", "a-2", "None-3"]
    assert [s["kind"] for s in scores] == ["M12", "M03", None]
    assert [s["score"] for s in scores] == pytest.approx([1 - 0.2 * 0.6, 0.4, 0.0])


def test_without_scores_all_else_is_the_same(bell_detector: RuleDetector) -> None:
    batch = traffic([event("a", 1, 0, f"{GRAVE}, {HINT} {babble('q', 30)}"), event("b", 2, 0, HINT)])
    scored, bare = screen_batch(batch, bell_detector), screen_batch(batch, bell_detector, scores=False)
    assert len(scored.scores) == 2 and len(bare.scores) == 0 and len(bare.findings) == 3
    assert replace(scored, scores=bare.scores) == bare


def counted(**fields: object) -> list[tuple[str, str, int]]:
    rows = tallied([count_activity(traffic([event("a", 1, 0, "x", **fields)]))]).rows.to_pylist()
    return [(r["measure"], r["value"], r["events"]) for r in rows if r["measure"] != "account"]


def test_what_is_shared_is_counted_where_it_is_named() -> None:
    assert counted(device="d", client="c", payment="p") == [("client", "c", 1), ("device", "d", 1), ("payment", "p", 1)]
    assert counted(network={"asn": "AS1", "country": "XA"}) == [("network", "AS1/XA", 1)]
    assert counted(network={"asn": "AS1", "country": None}) == [("network", "AS1/-", 1)]
    assert counted(network={"asn": None, "country": "XA"}) == counted(network=None) == []


def test_an_empty_name_is_no_name() -> None:
    assert counted(device="", client="", payment="", network={"asn": "", "country": "XA"}) == []
    assert counted(network={"asn": "AS1", "country": ""}) == [("network", "AS1/-", 1)]


@pytest.mark.parametrize(
    ("hours", "hour"), [(0.0, 0), (0.999, 0), (1.0, 1), (-0.001, -1), (-1.0, -1), (-500_000.25, -500_001)]
)
def test_hours_before_1970_are_hours_too(hours: float, hour: int) -> None:
    since_1970 = int((datetime(2026, 3, 2, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) // 3600
    counts = count_activity(traffic([event("a", 1, hours, "x")]))
    assert counts["hour"].to_pylist() == [since_1970 + hour]
    assert tallied([counts]).pace["peak_hour"].to_pylist() == [since_1970 + hour]


def test_answers_and_refusals_are_no_questions() -> None:
    events = [event("a", 1, 0, "x"), event("a", 2, 0, "y", role="assistant", status="refused", tokens_out=7)]
    (row,) = tallied([count_activity(traffic(events))]).rows.to_pylist()
    assert (row["events"], row["refused"], row["tokens_in"], row["tokens_out"]) == (1, 1, 0, 7)


def test_nobodys_events_are_judged_but_not_counted(bell_detector: RuleDetector) -> None:
    screened = screen_batch(traffic([event(None, 1, 0, f"{GRAVE} {babble(chr(120), 30)}", device="d")]), bell_detector)
    assert (len(screened.findings), len(screened.activity), len(screened.sketches)) == (1, 0, 0)


def test_only_questions_long_enough_are_sketched(bell_detector: RuleDetector) -> None:
    long = babble("long", 40)
    events = [event("a", 1, 0, long), event("a", 2, 0, "short"), event("a", 3, 0, long, role="tool")]
    sketches = screen_batch(traffic(events), bell_detector).sketches
    assert sketches.schema == SKETCHES
    assert sketches["event_id"].to_pylist() == ["a-1"]


def test_an_empty_run_gives_empty_tables(bell_detector: RuleDetector) -> None:
    findings, activity = run([], bell_detector)
    assert (len(findings), len(activity)) == (0, 0)


def test_only_templates_that_grave_findings_name_become_activity(bell_detector: RuleDetector) -> None:
    lure = crowd(6, [filled("lure", f"{GRAVE} {{slot}}")], apart_hours=300)
    dull = crowd(9, [filled("dull", "{slot}")], name="dull", apart_hours=300)
    _, activity = run([*town(), *lure, *dull], bell_detector)
    named = activity.filter(pc.equal(activity["measure"], "template"))
    assert named["account"].to_pylist() == [f"crowd{n}" for n in range(6)]


def sketched(events: list[Event], detector: RuleDetector) -> "pc.Table":
    return screen_batch(traffic(events), detector).sketches


def test_a_huge_run_keeps_a_fixed_share_of_the_sketches(bell_detector: RuleDetector) -> None:
    sketches = sketched([event(f"a{n}", n, 0, babble(str(n), 30)) for n in range(4000)], bell_detector)
    assert thin_sketches(sketches, 500_000).num_rows == len(sketches)
    for total, share in ((1_000_000, 1 / 2), (4_000_000, 1 / 8), (16_000_000, 1 / 32)):
        thin = thin_sketches(sketches, total)
        assert len(thin) == pytest.approx(share * len(sketches), rel=0.35)
        assert pc.max(pc.list_value_length(thin["hashes"])).as_py() <= 8


def test_what_is_kept_of_a_huge_run_does_not_depend_on_the_cut(bell_detector: RuleDetector) -> None:
    sketches = sketched([event(f"a{n}", n, 0, babble(str(n), 30)) for n in range(300)], bell_detector)
    parts = [thin_sketches(sketches.slice(a, 100), 4_000_000) for a in (0, 100, 200)]
    assert [e for p in parts for e in p["event_id"].to_pylist()] == thin_sketches(sketches, 4_000_000)[
        "event_id"
    ].to_pylist()


def test_a_huge_run_keeps_whole_templates(bell_detector: RuleDetector) -> None:
    kept = 0
    for n in range(40):
        events = crowd(20, [f"{babble(f't{n}', 60)} {{slot}}"], name=f"crowd{n}x")
        asked = [e for e in events if e["id"].endswith("-1")]
        thin = thin_sketches(sketched(asked, bell_detector), 1_000_000)
        assert len(thin) <= 2 or len(thin) >= 16
        kept += len(thin) >= 16
    assert 8 <= kept <= 32
