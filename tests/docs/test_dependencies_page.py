"""docs/adr/0002 names what pyproject.toml asks for, and nothing else."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adr/0002-dependencies.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def test_the_table_holds_every_dependency_and_no_other() -> None:
    listed = set(re.findall(r"^\| ([\w-]+) \|", PAGE, re.MULTILINE)) - {"library"}
    assert listed == names(PROJECT["dependencies"])


def test_what_a_development_install_adds_is_named() -> None:
    (said,) = re.findall(r"A development install adds (.*?)\.\s", PAGE)
    assert set(re.split(r", | and ", said)) == names(PROJECT["optional-dependencies"]["dev"])
