"""The bench's page says what was measured."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = [sys.executable, str(ROOT / "bench" / "table.py")]


def test_page_holds_the_committed_results() -> None:
    assert subprocess.run([*TABLE, "--check"], check=False).returncode == 0


def test_the_ledgers_page_holds_the_committed_results(tmp_path: Path) -> None:
    table = [sys.executable, str(ROOT / "bench" / "ledger_table.py")]
    assert subprocess.run([*table, "--check"], check=False).returncode == 0
    result = json.loads((ROOT / "bench" / "results" / "ledger.json").read_text("utf-8"))
    result["pieces"]["audit"]["wall_s"] += 1
    (tmp_path / "other.json").write_text(json.dumps(result))
    assert subprocess.run([*table, str(tmp_path / "other.json"), "--check"], check=False).returncode == 1


def test_the_coalitions_page_holds_the_committed_results(tmp_path: Path) -> None:
    table = [sys.executable, str(ROOT / "bench" / "coalition_table.py")]
    assert subprocess.run([*table, "--check"], check=False).returncode == 0
    result = json.loads((ROOT / "bench" / "results" / "coalition.json").read_text("utf-8"))
    (tmp_path / "other.json").write_text(json.dumps({**result, "peak_mb": result["peak_mb"] + 1}))
    assert subprocess.run([*table, str(tmp_path / "other.json"), "--check"], check=False).returncode == 1


def test_check_notices_another_result(tmp_path: Path) -> None:
    result = json.loads((ROOT / "bench" / "results" / "bench.json").read_text("utf-8"))
    result["pieces"]["main"]["whole"]["peak_mb"] += 1
    other = tmp_path / "bench.json"
    other.write_text(json.dumps(result))
    assert subprocess.run([*TABLE, str(other), "--check"], check=False).returncode == 1


def test_check_notices_another_result_of_the_whole_path(tmp_path: Path) -> None:
    result = json.loads((ROOT / "bench" / "results" / "whole.json").read_text("utf-8"))
    result["pieces"]["bank"]["alarms"] -= 1
    other = tmp_path / "whole.json"
    other.write_text(json.dumps(result))
    assert subprocess.run([*TABLE, "--whole", str(other), "--check"], check=False).returncode == 1


def test_the_page_holds_what_was_measured_of_the_check_api(tmp_path: Path) -> None:
    table = [sys.executable, str(ROOT / "bench" / "check_table.py")]
    assert subprocess.run([*table, "--check"], check=False).returncode == 0
    result = json.loads((ROOT / "bench" / "results" / "check.json").read_text("utf-8"))
    result["rates"][0]["p99_ms"] += 1
    (tmp_path / "other.json").write_text(json.dumps(result))
    assert subprocess.run([*table, str(tmp_path / "other.json"), "--check"], check=False).returncode == 1
