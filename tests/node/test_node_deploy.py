"""What docs/deploy says can be done: the unit is one that systemd reads, the container's steps fit the project."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from node_processes import run

HOUSE = Path(__file__).parents[2]
DEPLOY = HOUSE / "docs" / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_the_unit_without_a_word(tmp_path: Path) -> None:
    unit = (DEPLOY / "tocsin.service").read_text()
    assert "ExecStart=/opt/tocsin/bin/tocsin serve " in unit
    here = tmp_path / "tocsin.service"
    here.write_text(unit.replace("/opt/tocsin/bin/tocsin", sys.executable))
    told = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_the_container_copies_all_that_a_build_needs() -> None:
    copied = [word for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE) for word in line.split()[:-1]]
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    assert {"pyproject.toml", "setup.py", "src", project["readme"], *project["license-files"]} == set(copied)
    assert all((HOUSE / name).exists() for name in copied)
    (extra,) = re.findall(r'pip install [^"]*"/src\[(\w+)\]"', CONTAINER)
    assert extra in project["optional-dependencies"]


@pytest.mark.parametrize("source", ["unit", "container"])
def test_the_command_that_is_started_is_one(source: str, tmp_path: Path) -> None:
    """Every option is known: what stops it is that no node is there."""
    if source == "unit":
        (words,) = re.findall(r"^ExecStart=\S+ (.*)$", (DEPLOY / "tocsin.service").read_text(), re.MULTILINE)
        given = shlex.split(words)
    else:
        (listed,) = re.findall(r"^CMD \[(.*)\]$", CONTAINER, re.MULTILINE)
        given = [word.strip().strip('"') for word in listed.split(",")]
    assert given[1] == "/var/lib/tocsin/node"
    done = run(given[0], tmp_path / "nothing", *given[2:], code=4)
    assert "no settings in 'tocsin.toml'" in done.stderr
