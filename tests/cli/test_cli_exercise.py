"""`tocsin exercise` for real: files, same bytes for the same seed, honest exit codes."""

import json
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import Command, Told

from tocsin.cli import exercise
from tocsin.exercise import BUILT_IN, Case

FILES = {"results.parquet", "summary.json", "report.html"}


def played(tocsin: Command, out: Path, *more: object) -> tuple[Told, dict[str, bytes]]:
    told = tocsin("exercise", "run", "poison", "--out", out, "--runs", 4, *more)
    assert told.code == 0
    assert {path.name for path in out.iterdir()} == FILES
    return told, {path.name: path.read_bytes() for path in out.iterdir()}


def test_a_run_writes_the_same_bytes_for_the_same_seed_and_tells_its_figures(tocsin: Command, tmp_path: Path) -> None:
    told, first = played(tocsin, tmp_path / "a", "--seed", 2)
    head, *rows = [line.split("\t") for line in told.out.splitlines()]
    assert head == ["policy", "harm_averted", "known_share", "accounts", "reviews"]
    assert len(rows) == 7 and rows[0][0] == "none" and rows[0][1] == "0 (0 to 0)"
    assert "assumed ranges" in told.err and "report.html" in told.err
    summary = json.loads(first["summary.json"])
    assert (summary["scenario"], summary["runs"], summary["seed"]) == ("poison", 4, 2)
    assert pq.read_table(tmp_path / "a" / "results.parquet").num_rows == 4 * 7
    as_json, again = played(tocsin, tmp_path / "b", "--seed", 2, "--json")
    assert again == first and json.loads(as_json.out) == summary


def test_a_shipped_scenario_is_shown_as_the_beginning_of_ones_own(tocsin: Command, tmp_path: Path) -> None:
    for name in BUILT_IN:
        assert tomllib.loads(tocsin("exercise", "show", name).out)["name"] == name
    own = tmp_path / "own.toml"
    own.write_text(tocsin("exercise", "show", "poison").out.replace("members = 1", "members = 99"), "utf-8")
    told = tocsin("exercise", "run", own, "--out", tmp_path / "out")
    assert (told.code, told.out) == (2, "")
    assert "poison.members is 99" in told.err
    assert not (tmp_path / "out").exists()


def test_sensitivity_ranks_every_range(tocsin: Command) -> None:
    rows = json.loads(tocsin("exercise", "sensitivity", "poison", "--runs", 30, "--measure", "accounts", "--json").out)
    assert rows[0]["range"] == "poison.rate" and rows[0]["correlation"] > 0.5
    sizes = [abs(row["correlation"]) for row in rows]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) > 50


def test_what_cannot_be_read_or_written_ends_with_4(tocsin: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for line in (["nowhere.toml", "--out", tmp_path / "o"], ["poison", "--runs", "2", "--out", tmp_path / "file"]):
        told = tocsin("exercise", "run", *line)
        assert told.code == 4 and told.err.count("\n") == 2 and told.out == ""


@pytest.mark.parametrize(("theory", "code"), [(1.0, 0), (3.0, 1)])
def test_check_ends_with_1_where_a_case_fails(
    tocsin: Command, monkeypatch: pytest.MonkeyPatch, theory: float, code: int
) -> None:
    cases = [Case("good", 1.0, 1.0, 0.5, 1.5), Case("tried", theory, 1.0, 0.5, 1.5)]
    monkeypatch.setattr(exercise, "known_cases", lambda seed: iter(cases))
    told = tocsin("exercise", "check", "--json")
    assert (told.code, [row["ok"] for row in json.loads(told.out)]) == (code, [True, code == 0])
    assert list(json.loads(told.out)[0]) == ["case", "theory", "simulated", "low", "high", "ok"]
    assert ("1 of 2 cases fail, first 'tried'" in told.err) is bool(code)
