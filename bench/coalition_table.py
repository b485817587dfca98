"""Render the table of docs/coalition.md from the result; --write puts it there, --check says whether it is there."""

import sys
from typing import Any

from page import DOCS, RESULTS, command

ROWS = (
    ("read_seconds", "reading {statements:,} statements, every signature checked, all cores, wall s"),
    ("read_cpu_seconds", "the same, s"),
    ("one_core_read_per_second", "reading on one core, statements a second"),
    ("learn_seconds", "chain and times of {statements:,} statements, s"),
    ("state_seconds", "shared state from them, s"),
    ("follow_seconds", "the same for the first time in a kept state, s"),
    ("statement_p50_ms", "one more statement into the kept state, its signature checked, p50 ms"),
    ("statement_p99_ms", "the same, p99 ms"),
    ("stamp_p50_ms", "one more stamp, which gives a hundred statements effect, p50 ms"),
    ("stamp_max_ms", "the same, the slowest, ms"),
    ("mean_ms", "on average over statements and stamps, ms"),
    ("kept_state_ms", "writing the whole kept state out, ms"),
    ("peak_mb", "peak memory, MB"),
)


def render(result: dict[str, Any]) -> str:
    """Render the result as Markdown."""
    machine = result["machine"]
    head = (
        f"Measured at commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, "
        f"Python {machine['python']}; load average {result['load']}. "
        "Four logs, a stamp every 1,000 statements, four mirrors; seconds of processor unless wall is said."
    )
    rows = [f"| {words.format(**result)} | {result[name]:,} |" for name, words in ROWS]
    return "\n".join([head, "", "| what | figure |", "|---|---|", *rows])


if __name__ == "__main__":
    sys.exit(command(__doc__, RESULTS / "coalition.json", DOCS / "coalition.md", render))
