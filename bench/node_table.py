"""Render the tables of a full node in docs/bench.md; --write puts them there, --check says whether they are there."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from page import DOCS, RESULTS, command

MARKS = "<!-- node: begin -->", "<!-- node: end -->"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
Row = dict[str, Any]
ROWS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("events held", lambda r: f"{r['events']:,}"),
    ("findings", lambda r: f"{r['findings']:,}"),
    ("cases", lambda r: f"{r['cases']:,}"),
    ("first forming of all cases after the start, s", lambda r: f"{r['first_cases_s']:,}"),
    ("database MB", lambda r: f"{r['database_mb']:,}" if r["database_mb"] else "not measured"),
    ("memory MB: server", lambda r: f"{r['memory_mb']['serve']:,.0f}"),
    ("worker, which holds what cases are formed from", lambda r: f"{r['memory_mb']['work']:,.0f}"),
    ("their supervisor", lambda r: f"{r['memory_mb']['supervisor']:,.0f}"),
    ("`POST /v1/check` p50 / p99 ms", lambda r: _times(r["check"])),
    ("of them refused or unanswered", lambda r: f"{r['check']['unanswered'] + r['check']['not_200']:,}"),
    ("`GET /v1/cases`, pages of 100, p50 / p99 ms", lambda r: _times(r["cases_page"])),
    ("events a second, answered, so durable", lambda r: f"{r['accepted_per_s']:,}"),
    ("events a second, screened", lambda r: f"{r['screened_per_s']:,}"),
    ("processor µs an event, all processes", lambda r: f"{r['us_an_event']:,}"),
    ("requests of one event a second", lambda r: f"{r['small']['requests_per_s']:,}"),
    ("of them p50 / p99 ms", lambda r: _times(r["small"])),
    ("load average before", lambda r: f"{r['load']}"),
)


def render(result: Row) -> str:
    """Render the results as Markdown."""
    machine, kinds = result["machine"], result["databases"]
    head = (
        f"Measured {result['made']} at commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}: all processes of the node on one core, the client on the other."
    )
    return "\n".join([head, "", *_table(kinds)])


def _table(kinds: dict[str, Row]) -> Iterator[str]:
    yield " | ".join(["| a full node", *(NAMES[kind] for kind in kinds)]) + " |"
    yield "|---|" + "---|" * len(kinds)
    for words, figure in ROWS:
        yield " | ".join([f"| {words}", *map(figure, kinds.values())]) + " |"


def _times(row: Row) -> str:
    return f"{row['p50_ms']:,.2f} / {row['p99_ms']:,.2f}"


if __name__ == "__main__":
    sys.exit(command(__doc__, RESULTS / "node.json", DOCS / "bench.md", render, MARKS))
