"""The pages say what was measured."""

import json
import subprocess
import sys
from functools import reduce
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
WRITERS = {
    "table.py": ("bench", ("pieces", "main", "whole", "peak_mb")),
    "ledger_table.py": ("ledger", ("pieces", "audit", "wall_s")),
    "coalition_table.py": ("coalition", ("peak_mb",)),
    "intake_table.py": ("intake", ("pieces", "folder", "events_per_s")),
    "check_table.py": ("check", ("rates", 0, "p99_ms")),
    "node_table.py": ("node", ("databases", "sqlite", "us_an_event")),
}


def says(writer: str, *options: str) -> bool:
    command = [sys.executable, str(BENCH / writer), *options, "--check"]
    return subprocess.run(command, check=False).returncode == 0


def other(folder: Path, name: str, way: tuple[str | int, ...]) -> str:
    """Write a result that differs in one figure."""
    result = json.loads((BENCH / "results" / f"{name}.json").read_text("utf-8"))
    reduce(lambda held, key: held[key], way[:-1], result)[way[-1]] += 1
    (folder / "other.json").write_text(json.dumps(result))
    return str(folder / "other.json")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_page_holds_the_committed_result_and_no_other(writer: str, tmp_path: Path) -> None:
    name, way = WRITERS[writer]
    if not (BENCH / "results" / f"{name}.json").exists():
        marks = f"<!-- {name}: begin -->\n<!-- {name}: end -->"
        assert marks in (BENCH.parent / "docs" / "bench.md").read_text("utf-8"), "figures without a result"
        pytest.skip("not measured yet")
    assert says(writer)
    assert not says(writer, other(tmp_path, name, way))


def test_the_page_holds_the_whole_path_and_no_other(tmp_path: Path) -> None:
    assert not says("table.py", "--whole", other(tmp_path, "whole", ("pieces", "bank", "alarms")))


def test_each_writer_of_tables_is_tried_here() -> None:
    written = sorted(path.name for path in BENCH.glob("*table.py"))
    assert written == sorted([*WRITERS, "whole_table.py"])
