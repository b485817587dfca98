"""docs/coalition.md runs as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "coalition.md"


@pytest.mark.minutes
def test_the_page_runs_as_written(tmp_path: Path) -> None:
    script = PAGE.read_text("utf-8").split("```sh\n")[1].split("```")[0]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{script}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    assert [row[1] for row in rows if row[0] == "charter"] == ["0", "1", "2"]
    assert [row[2] for row in rows if row[0] == "standard"] == [f"{2:064d}"]
    assert len([row for row in rows if row[0] == "notice"]) == 1  # the thief's is not heard
    assert ["inquiry", "ant.example/log 10", "answered"] in rows
    assert len([row for row in rows if row[0] in ("1", "2")]) == 8  # four votes for each of two decisions
