"""Render the table of docs/coalition.md from the result; --write puts it there, --check says whether it is there."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULT = HERE / "results" / "coalition.json"
PAGE = HERE.parent / "docs" / "coalition.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

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


def main() -> int:
    parser = argparse.ArgumentParser(description="Put what was measured of the coalition into its page.")
    parser.add_argument("result", nargs="?", type=Path, default=RESULT)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    page = f"{before}{BEGIN}\n{render(json.loads(given.result.read_text('utf-8')))}\n{END}{rest.partition(END)[2]}"
    if given.check:
        return int(page != PAGE.read_text("utf-8"))
    if given.write:
        PAGE.write_text(page, "utf-8")
    else:
        print(page.partition(BEGIN)[2].partition(END)[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
