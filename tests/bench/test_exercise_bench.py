"""The exercise's page says what was measured."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECK = [sys.executable, str(ROOT / "bench" / "exercise.py"), "--check"]


def test_page_holds_the_committed_results() -> None:
    assert subprocess.run(CHECK, check=False).returncode == 0


def test_check_notices_another_result(tmp_path: Path) -> None:
    result = json.loads((ROOT / "bench" / "results" / "exercise.json").read_text("utf-8"))
    result["check"]["wall_s"] += 1
    other = tmp_path / "exercise.json"
    other.write_text(json.dumps(result))
    assert subprocess.run([*CHECK, "--result", str(other)], check=False).returncode == 1


def test_every_library_gave_the_same_mean_life() -> None:
    small = json.loads((ROOT / "bench" / "results" / "exercise.json").read_text("utf-8"))["small"]
    lives = [piece["life"] for piece in small.values()]
    assert len(lives) == 4 and max(lives) - min(lives) < 1
