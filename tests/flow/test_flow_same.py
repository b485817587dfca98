"""The same findings, to the byte, for any number of workers, cut of the input and order of the arguments."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from small_runs import outputs, screen, table, traffic, write_lines, write_parquet
from tocsin.flow import Outcome

Run = Callable[..., Outcome]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, logs: Path, standard: Path) -> Path:
    out = tmp_path_factory.mktemp("once") / "out"
    assert screen(out, logs, standard=standard, scores=True).exit_code == 0
    return out


def test_the_run_finds_what_was_planted(once: Path) -> None:
    said = {f["rule"] for f in table(once, "findings") if f["rule"]}
    assert said == {"M12.small-ignore", "L-x-small.blue-lamp"}
    assert {f["detector"] for f in table(once, "findings")} >= {"rules", "shared", "template"}
    assert "e000016" in {f["event_id"] for f in table(once, "findings")}
    assert len({c["campaign_id"] for c in table(once, "cases") if c["campaign_id"]}) == 1


def test_the_same_run_gives_the_same_bytes(once: Path, tmp_path: Path, logs: Path, standard: Path) -> None:
    screen(tmp_path, logs, standard=standard, scores=True)
    assert outputs(tmp_path) == outputs(once)


def test_without_scores_all_other_files_are_the_same(once: Path, tmp_path: Path, logs: Path, standard: Path) -> None:
    told = screen(tmp_path, logs, standard=standard).summary
    scored = outputs(once)
    assert scored.pop("scores.parquet") and scored.pop("sessions.parquet")
    assert outputs(tmp_path) == scored
    assert told["judged"] == {"first": told["rows"]} == json.loads((once / "summary.json").read_text())["judged"]


def test_answers_are_judged_for_scores_alone(tmp_path: Path, standard: Path) -> None:
    rows = [row | {"role": "user" if n % 3 else "assistant"} for n, row in enumerate(traffic(1200))]
    logs = write_lines(tmp_path / "talks.jsonl", rows)
    bare = screen(tmp_path / "bare", logs, standard=standard).summary
    scored = screen(tmp_path / "scored", logs, standard=standard, scores=True).summary
    assert (bare["judged"], scored["judged"]) == ({"first": 800}, {"first": 1200})
    made = outputs(tmp_path / "scored")
    assert made.pop("scores.parquet") and made.pop("sessions.parquet")
    assert outputs(tmp_path / "bare") == made


def test_two_workers_give_the_same_bytes(once: Path, tmp_path: Path, logs: Path, standard: Path) -> None:
    screen(tmp_path, logs, standard=standard, scores=True, workers=2)
    assert outputs(tmp_path) == outputs(once)


def test_any_cut_into_files_in_any_order_gives_the_same_tables(once: Path, tmp_path: Path, standard: Path) -> None:
    """Some of the files packed, the last ones first, one of them named twice."""
    cuts = (1, 2, 17, 501, 2900)
    rows, edges = traffic(3000), (0, *cuts, 3000)
    files = [
        write_lines(tmp_path / f"{i}.jsonl{'.gz' if i % 2 else ''}", rows[low:high])
        for i, (low, high) in enumerate(pairwise(edges))
    ]
    screen(tmp_path / "out", *reversed(files), files[2], standard=standard, scores=True)
    same = ("findings.parquet", "activity.parquet", "cases.parquet", "scores.parquet", "rejects.jsonl")
    assert {n: outputs(tmp_path / "out")[n] for n in same} == {n: outputs(once)[n] for n in same}


def test_parquet_and_json_lines_give_the_same_findings(once: Path, tmp_path: Path, standard: Path) -> None:
    log = write_parquet(tmp_path / "traffic.parquet", [{"device": None} | row for row in traffic(3000)])
    screen(tmp_path / "out", log, standard=standard)
    assert outputs(tmp_path / "out")["findings.parquet"] == outputs(once)["findings.parquet"]


def test_files_in_another_order_of_names_give_the_same_set(once: Path, tmp_path: Path, standard: Path) -> None:
    rows = traffic(3000)
    screen(
        tmp_path / "out",
        write_lines(tmp_path / "1.jsonl", rows[1500:]),
        write_lines(tmp_path / "2.jsonl", rows[:1500]),
        standard=standard,
    )
    assert sorted(map(str, table(tmp_path / "out", "findings"))) == sorted(map(str, table(once, "findings")))
    assert outputs(tmp_path / "out")["cases.parquet"] == outputs(once)["cases.parquet"]
