"""Render the tables of docs/bench.md from the results; --write puts them there, --check says whether they are there."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from page import DOCS, RESULTS, replaced
from whole_table import render_whole

RESULT = RESULTS / "bench.json"
PAGE = DOCS / "bench.md"
WHOLE_RESULT = RESULTS / "whole.json"
WHOLE_MARKS = "<!-- whole: begin -->", "<!-- whole: end -->"
PEERS = ("yara-python", "presidio-analyzer", "nemoguardrails", "threatexchange")
WHOLE = "**tocsin screen, whole command**"


def render(result: dict[str, Any]) -> str:
    """Render the results as Markdown."""
    return "\n".join(
        [_head(result), "", *_limits(result), "", *_memory(result), "", *_stages(result), "", *_peers(result)]
    )


def _head(result: dict[str, Any]) -> str:
    machine, main = result["machine"], result["pieces"]["main"]
    return (
        f"Measured {result['made']} at commit {result['commit']}, seed {result['seed']}: {main['rows']:,} rows, "
        f"{main['text_mb']} MB of text, one core of {machine['cores']} ({machine['cpu']}), "
        f"Python {machine['python']}, kernels {main['kernels']}. Load average {main['load']} when done."
    )


def _limits(result: dict[str, Any]) -> Iterator[str]:
    main = result["pieces"]["main"]
    whole = main["whole"]["mb_per_s"]
    rows = {
        "bare Parquet read, same columns": main["read"],
        "read with every check": main["read_checked"],
        "fold": main["fold"],
        "template sketch": main["sketch"],
        "raw Vectorscan scan, no callback": main["scan_raw"],
        "sieve for candidates, by the kernel": main["scan_candidates"],
        "the same candidates by way of Vectorscan": main["scan_by_vectorscan"],
        "confirming candidates": main["confirm"],
        WHOLE: main["whole"],
    }
    yield "| step | processor s | MB/s of text | whole command as a share |"
    yield "|---|---|---|---|"
    for name, cost in rows.items():
        yield f"| {name} | {cost['cpu_s']:.1f} | {cost['mb_per_s']:.1f} | {whole / cost['mb_per_s']:.1%} |"
    w = main["whole"]
    yield ""
    yield (
        f"By wall clock the whole command took {w['wall_s']:.1f} s, {w['mb_per_wall_s']:.1f} MB/s; "
        f"by its own summary {w['own_mb_per_s']:.1f} MB/s. It rejected {w['rejected']} rows and wrote "
        f"{w['findings']:,} findings, {w['cases']:,} cases and {w['campaigns']} campaigns. In the first "
        f"{main['scan_rows']:,} rows, where the steps on texts were measured one by one, Vectorscan reported "
        f"{main['hits']:,} hits; the sieve named {main['candidates']:,} candidates and {main['matches']:,} matches."
    )


def _memory(result: dict[str, Any]) -> Iterator[str]:
    pieces = result["pieces"]
    yield "| input | rows | MB of text | processor s | MB/s of text | peak memory MB |"
    yield "|---|---|---|---|---|---|"
    for name, piece in (("ordinary", "main"), ("ordinary, four times the rows", "large"), ("hostile", "hostile")):
        if piece in pieces:
            size, w = pieces[piece]["text_mb"], pieces[piece]["whole"]
            rate = f"{w['cpu_s']:.1f} | {w['mb_per_s']:.1f}"
            yield f"| {name} | {w['rows']:,} | {size:.1f} | {rate} | {w['peak_mb']:,.0f} |"


def _stages(result: dict[str, Any]) -> Iterator[str]:
    spent = result["pieces"]["stages"]["cpu_s"]
    total = sum(spent.values())
    yield "| stage | processor s | share |"
    yield "|---|---|---|"
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        yield f"| {name} | {seconds:.1f} | {seconds / total:.1%} |"


def _peers(result: dict[str, Any]) -> Iterator[str]:
    pieces = result["pieces"]
    whole = pieces["main"]["whole"]["mb_per_s"]
    given = [pieces[name] for name in PEERS if name in pieces]
    if not given:
        return
    yield "| peer | version | rows | processor s | MB/s of text | Tocsin is faster by |"
    yield "|---|---|---|---|---|---|"
    for name in (n for n in PEERS if n in pieces):
        p = pieces[name]
        times = whole / p["mb_per_s"]
        yield f"| {name} | {p['version']} | {p['rows']:,} | {p['cpu_s']:.1f} | {p['mb_per_s']:.2f} | {times:,.1f} |"
    g = given[0]["given"]
    yield ""
    yield (
        f"The peers were given {g['rules']} rules: {g['branches']} demands for groups of literals (yara-python), "
        f"{g['literals']} literals (presidio-analyzer), {g['patterns']} trigger patterns (nemoguardrails), "
        f"{g['queries']} and/or queries (threatexchange)."
    )


def filled(page: str, result: Path, whole: Path = WHOLE_RESULT) -> str:
    """Put the tables of both results into the page."""
    page = replaced(page, render(json.loads(result.read_text("utf-8"))))
    return replaced(page, render_whole(json.loads(whole.read_text("utf-8"))), WHOLE_MARKS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path, default=RESULT)
    parser.add_argument("--whole", type=Path, default=WHOLE_RESULT, help="the result of whole.py")
    parser.add_argument("--check", action="store_true", help="end with 1 where docs/bench.md says something else")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/bench.md")
    given = parser.parse_args()
    page = PAGE.read_text("utf-8")
    wanted = filled(page, given.result, given.whole)
    if given.check:
        same = wanted == page
        print(
            "docs/bench.md holds what was measured" if same else "docs/bench.md differs: python bench/table.py --write",
            file=sys.stderr,
        )
        return 0 if same else 1
    if given.write:
        PAGE.write_text(wanted, "utf-8")
    else:
        print(render(json.loads(given.result.read_text("utf-8"))))
        print(render_whole(json.loads(given.whole.read_text("utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
