"""Render the tables of the check API in docs/bench.md; --write puts them there, --check says whether they are there."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from table import PAGE, replaced

RESULT = Path(__file__).parent / "results" / "check.json"
MARKS = "<!-- check: begin -->", "<!-- check: end -->"


def render(result: dict[str, Any]) -> str:
    """Render the results as Markdown."""
    machine, rows = result["machine"], result["rates"]
    head = (
        f"Measured {result['made']} at commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, Python "
        f"{machine['python']}: {result['seconds']:.0f} s at each rate over {result['connections']} connections, "
        f"requests of one to three messages, {result['bytes_a_request']:,} bytes on average; load average "
        f"{min(r['load'] for r in rows)} to {max(r['load'] for r in rows)}, scheduled {result['scheduled']}."
    )
    return "\n".join([head, "", *_rates(rows), "", *_checker(result["checker"])])


def _rates(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| requests a second | answered | p50 ms | p90 ms | p99 ms | p99.9 ms | most ms | refused or unanswered |"
    yield "|---|---|---|---|---|---|---|---|"
    for r in rows:
        odd = r["unanswered"] + sum(count for status, count in r["statuses"].items() if status != "200")
        times = " | ".join(f"{r[name]:.2f}" for name in ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "most_ms"))
        yield f"| {r['rate']:,} | {r['answered_per_s']:,.0f} | {times} | {odd} |"
    yield ""
    yield "| requests a second | judged together | stages p50 ms | p99 ms | core | µs a request | left late p99 ms |"
    yield "|---|---|---|---|---|---|---|"
    for r in rows:
        yield (
            f"| {r['rate']:,} | {r['messages_together_mean']} | {r['stages_p50_ms']:.2f} | {r['stages_p99_ms']:.2f} | "
            f"{r['server_core_share']:.0%} | {r['us_a_request']} | {r['left_late_p99_ms']:.2f} |"
        )


def _checker(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| the checker alone, messages together | processor µs a batch | a message |"
    yield "|---|---|---|"
    for r in rows:
        yield f"| {r['together']} | {r['us_a_batch']:,} | {r['us_a_message']} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path, default=RESULT)
    parser.add_argument("--check", action="store_true", help="end with 1 where docs/bench.md says something else")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/bench.md")
    given = parser.parse_args()
    page = PAGE.read_text("utf-8")
    wanted = replaced(page, render(json.loads(given.result.read_text("utf-8"))), MARKS)
    if given.check:
        return 0 if wanted == page else 1
    if given.write:
        PAGE.write_text(wanted, "utf-8")
    else:
        print(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
