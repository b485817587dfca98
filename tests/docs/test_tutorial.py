"""The tutorial does what it says, pasted into one shell."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```\n(?:\n(?:[^`\n][^`]*?\n\n)?```\n(.*?)```)?", PAGE, re.DOTALL)


@pytest.mark.minutes
def test_every_block_runs_and_prints_what_the_page_shows(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    blocks = [block.replace("8400", port) for block, _ in BLOCKS][1:]  # the first installs
    (tmp_path / "all.sh").write_text("set -e -o pipefail\nset -m\n" + "echo '#'\n".join(blocks), encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "all.sh"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr + (tmp_path / "log").read_text()
    said = run.stdout.split("#\n")
    for (_, shown), printed in zip(BLOCKS[1:], said, strict=True):
        for line in filter(None, (one.strip() for one in shown.splitlines())):
            assert line in printed, printed
