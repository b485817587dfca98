"""Render the tables of the check API in docs/bench.md; --write puts them there, --check says whether they are there."""

import sys
from collections.abc import Iterator
from typing import Any

from page import DOCS, RESULTS, command

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


if __name__ == "__main__":
    sys.exit(command(__doc__, RESULTS / "check.json", DOCS / "bench.md", render, MARKS))
