"""Render the table of docs/ledger.md from the results; --write puts it there, --check says whether it is there."""

import sys
from collections.abc import Iterator
from typing import Any

from page import DOCS, RESULTS, command


def render(result: dict[str, Any]) -> str:
    """Render the results as Markdown."""
    pieces, machine = result["pieces"], result["machine"]
    head = (
        f"Measured {result['made']} at commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores, "
        f"Python {machine['python']}; load average {min(p['load'] for p in pieces.values())} to "
        f"{max(p['load'] for p in pieces.values())}."
    )
    return "\n".join([head, "", *_appends(pieces["append"]), "", *_rest(pieces), "", *_growth(pieces)])


ROWS = (
    ("proofs", "inclusion_kept_tiles_per_s", "inclusion proofs a second, {entries:,} entries, tiles in memory"),
    ("proofs", "inclusion_from_disk_per_s", "the same, each from the disk"),
    ("proofs", "consistency_per_s", "consistency proofs a second"),
    ("proofs", "verify_inclusion_per_s", "inclusion checks a second"),
    ("proofs", "verify_proof_per_s", "whole proofs verified a second, one Ed25519 signature"),
    ("audit", "wall_s", "audit of {entries:,} entries, seconds"),
    ("audit", "cpu_s", "the same, seconds of processor"),
    ("cosigned", "p50_s", "append to every side's cosignature, p50 s ({appends:,} appends, checkpoints 1 s apart)"),
    ("cosigned", "p95_s", "the same, p95 seconds"),
    ("cosigned", "gather_p50_ms", "of that, gathering from two sides of three mirrors over HTTP, p50 ms"),
    ("cosigned", "gather_p95_ms", "the same, p95 ms"),
)  # fmt: skip


def _appends(piece: dict[str, Any]) -> Iterator[str]:
    yield "| durable appends of 512 bytes | a second | a second of processor | p50 ms | p99 ms |"
    yield "|---|---|---|---|---|"
    for name, row in piece.items():
        how, _, many = name.partition("_")
        if how in ("batch", "threads"):
            words = f"{many} at a time" if how == "batch" else f"one at a time, by each of {many} threads"
            yield f"| {words} | {row['per_s']:,} | {row['per_cpu_s']:,} | {row['p50_ms']} | {row['p99_ms']} |"


def _rest(pieces: dict[str, Any]) -> Iterator[str]:
    yield "| what | figure |"
    yield "|---|---|"
    for piece, name, words in ROWS:
        yield f"| {words.format(**pieces[piece])} | {pieces[piece][name]:,} |"
    for name, cost in pieces["hostile"].items():
        if name not in ("peak_mb", "load"):
            yield f"| refusing a note of {name}, ms | {cost} |"


def _growth(pieces: dict[str, Any]) -> Iterator[str]:
    yield "| entries | start and first append ms | batch of 256 ms | checkpoint ms | bytes an entry | peak MB |"
    yield "|---|---|---|---|---|---|"
    for name, row in pieces.items():
        if name.startswith("growth_"):
            times = f"{row['open_and_append_ms']} | {row['batch_256_ms']} | {row['checkpoint_ms']}"
            yield f"| {row['entries']:,} | {times} | {row['bytes_an_entry']:,} | {row['peak_mb']} |"


if __name__ == "__main__":
    sys.exit(command(__doc__, RESULTS / "ledger.json", DOCS / "ledger.md", render))
