"""Put what was measured between two marks of a page: what the writers of tables share."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
RESULTS = HERE / "results"
MEASURED = "<!-- measured: begin -->", "<!-- measured: end -->"


def replaced(page: str, table: str, marks: tuple[str, str] = MEASURED) -> str:
    """Put the table between its marks."""
    begin, end = marks
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{table}\n{end}{after}"


def command(
    about: str,
    result: Path,
    page: Path,
    render: Callable[[dict[str, Any]], str],
    marks: tuple[str, str] = MEASURED,
) -> int:
    """Run a writer's command: print the table, --write it into its page, or --check it; gives the status."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path, default=result)
    parser.add_argument("--check", action="store_true", help=f"end with 1 where docs/{page.name} says something else")
    parser.add_argument("--write", action="store_true", help=f"put it into docs/{page.name}")
    given = parser.parse_args()
    table, there = render(json.loads(given.result.read_text("utf-8"))), page.read_text("utf-8")
    wanted = replaced(there, table, marks)
    if given.check:
        if wanted != there:
            print(f"docs/{page.name} differs: python bench/{Path(sys.argv[0]).name} --write", file=sys.stderr)
        return int(wanted != there)
    if given.write:
        page.write_text(wanted, "utf-8")
    else:
        print(table)
    return 0
