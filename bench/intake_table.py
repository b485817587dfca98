"""Render the table of docs/intake.md from the results; --write puts it there, --check says whether it is there."""

import sys
from typing import Any

from page import DOCS, RESULTS, command

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


if __name__ == "__main__":
    sys.exit(command(__doc__, RESULTS / "intake.json", DOCS / "intake.md", render))
