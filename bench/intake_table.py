"""Render the table of docs/intake.md from the results; --write puts it there, --check says whether it is there."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULT = HERE / "results" / "intake.json"
PAGE = HERE.parent / "docs" / "intake.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
WAYS = (
    ("folder", "a folder, native lines"),
    ("chats", "a folder, chat logs that resend ten turns"),
    ("traces", "spans in Protobuf, 100 an export, without the HTTP around them"),
    ("nats", "a NATS stream, native lines"),
)


def render(result: dict[str, Any]) -> str:
    """Render the results as Markdown."""
    pieces, machine = result["pieces"], result["machine"]
    lines = [
        (
            f"Measured {result['made']} at commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, "
            f"Python {machine['python']}; load average {result['load']}. One process, {result['rows']:,} events, "
            "SQLite with every write synced, nothing screened beside it."
        ),
        "",
        "| way | durable events a second | MB a second |",
        "|---|---|---|",
    ]
    for name, words in WAYS:
        if name in pieces:
            lines.append(f"| {words} | {pieces[name]['events_per_s']:,} | {pieces[name]['mb_per_s']} |")
    leads = pieces["leads"]
    beside = f"takes {leads['batch_ms']} ms a batch of {leads['rows']:,} events."
    lines += ["", f"Looking {leads['leads']:,} leads up, half of them texts, {beside}"]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, nargs="?", default=RESULT)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    table = render(json.loads(options.result.read_text("utf-8")))
    page = PAGE.read_text("utf-8")
    head, _, rest = page.partition(BEGIN)
    new = f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}"
    if options.write:
        PAGE.write_text(new, encoding="utf-8")
    elif options.check:
        return int(page != new)
    else:
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
