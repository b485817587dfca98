"""Run the bench: `make bench`, or `python bench/run.py [--quick] [--rows N] [--fresh] [--core C]`.

Every piece is measured in a process of its own on one core and kept at once under bench/kept, so that an interrupted
run goes on where it stopped; --fresh measures everything anew. The result is one JSON file in bench/results.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cost import FailedError, keep, last_core, run_alone

HERE = Path(__file__).parent
WORK = HERE / "kept"
RESULTS = HERE / "results"
SEED = 1
PEERS = ("yara-python", "presidio-analyzer", "nemoguardrails", "threatexchange")
PEER_ROWS = 300_000  # at most; a peer stops after PEER_SECONDS
PEER_SECONDS = 12
HOSTILE_SHARE = 20  # one hostile row for so many ordinary ones
REPEATS = 3  # of the whole command, where one run takes less than CHEAP_SECONDS
CHEAP_SECONDS = 90
Piece = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Bench:
    """Measure one size of input; `state` names the sources measured, so that kept pieces of others are not used."""

    rows: int
    core: int
    state: str
    fresh: bool
    quick: bool

    def pieces(self) -> dict[str, Piece]:
        """Name what is measured, in order."""
        pieces: dict[str, Piece] = {
            "warm": self.warm,
            "main": lambda: self.together(self.rows),
            "stages": lambda: self.stages(self.rows),
            "hostile": self.hostile,
        }
        if self.quick:
            return pieces
        peers: dict[str, Piece] = {name: partial(self.peer, name) for name in PEERS}
        return pieces | peers | {"large": self.large}

    def warm(self) -> dict[str, Any]:
        """Screen a few rows, so that the compiled rules are kept and the files are in the system's memory."""
        return self.screen(self.file(2000))

    def together(self, rows: int) -> dict[str, Any]:
        """Measure the bare read, the raw scan and the whole command one after another, as often as is cheap."""
        file = self.file(rows)
        read, scan = self.alone("read", file), self.alone("scan", file)
        whole = [self.screen(file)]
        while whole[0]["cpu_s"] < CHEAP_SECONDS and len(whole) < (1 if self.quick else REPEATS):
            whole.append(self.screen(file))
        size = read["text_bytes"]
        return {
            "rows": rows,
            "text_mb": round(size / 1e6, 2),
            "read": _rate(size, read["cpu_s"]),
            "read_checked": _rate(size, read["checked_cpu_s"]),
            "kernels": scan["kernels"],
            "scan_rows": scan["rows"],
            "fold": _rate(scan["text_bytes"], scan["cpu_s"]["fold"]),
            "scan_raw": _rate(scan["text_bytes"], scan["cpu_s"]["raw"]),
            "scan_candidates": _rate(scan["text_bytes"], scan["cpu_s"]["candidates"]),
            "scan_by_vectorscan": _rate(scan["text_bytes"], scan["cpu_s"]["by_vectorscan"]),
            "confirm": _rate(scan["text_bytes"], scan["cpu_s"]["matches"] - scan["cpu_s"]["candidates"]),
            "sketch": _rate(scan["text_bytes"], scan["cpu_s"]["sketch"]),
            "hits": scan["hits"],
            "candidates": scan["candidates"],
            "matches": scan["matches"],
            "whole": _middle(whole, size),
            "load": _load(),
        }

    def stages(self, rows: int) -> dict[str, Any]:
        """Book the processor time of one run to its stages."""
        spent = self.alone("stages", self.file(rows))["cpu_s"]
        return {"cpu_s": spent, "load": _load()}

    def hostile(self) -> dict[str, Any]:
        """Screen rows made of the rules' own words."""
        file = self.file(max(2000, self.rows // HOSTILE_SHARE), hostile=True)
        size = self.alone("read", file)["text_bytes"]
        return {"text_mb": round(size / 1e6, 2), "whole": _middle([self.screen(file)], size), "load": _load()}

    def large(self) -> dict[str, Any]:
        """Screen four times the rows once: memory should be what it was."""
        file = self.file(4 * self.rows)
        size = self.alone("read", file)["text_bytes"]
        return {
            "rows": 4 * self.rows,
            "text_mb": round(size / 1e6, 2),
            "whole": _middle([self.screen(file)], size),
            "load": _load(),
        }

    def peer(self, name: str) -> dict[str, Any]:
        """Let a peer look at the same rows with the same rules in its own form."""
        exported = self.rivals()
        rules, rows = str(WORK / "peer-rules.json"), str(WORK / self.state / "peer-rows.jsonl")
        command = [exported["python"], str(HERE / "peer.py"), name, rules, rows, str(PEER_SECONDS)]
        cost = run_alone(command, self.core)
        said = cost["said"]
        return {
            **said,
            **_rate(said["text_bytes"], said["cpu_s"]),
            "peak_mb": cost["peak_mb"],
            "given": exported["given"],
            "load": _load(),
        }

    def rivals(self) -> dict[str, Any]:
        """Install the peers, and write rules and rows for them."""
        where = [str(WORK / "peers"), str(WORK / "peer-rules.json"), str(WORK / self.state / "peer-rows.jsonl")]
        command = [sys.executable, str(HERE / "rivals.py"), str(self.file(self.rows)), str(PEER_ROWS), *where]
        return run_alone(command, self.core)["said"]

    def file(self, rows: int, *, hostile: bool = False) -> Path:
        """Generate rows, once."""
        name = f"rows-{rows}{'-hostile' if hostile else ''}.parquet"
        path = WORK / self.state / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            more = ["--hostile"] if hostile else []
            run_alone(
                [sys.executable, str(HERE / "generate.py"), str(rows), str(path), "--seed", str(SEED), *more], self.core
            )
        return path

    def alone(self, measure: str, file: Path) -> dict[str, Any]:
        """Take one measure of stages.py."""
        return run_alone([sys.executable, str(HERE / "stages.py"), measure, str(file)], self.core)["said"]

    def screen(self, file: Path) -> dict[str, Any]:
        """Run the whole command, interpreter and report included."""
        command = Path(sys.executable).with_name("tocsin")
        out = WORK / "out"
        return run_alone(
            [str(command), "screen", str(file), "--out", str(out), "--json"],
            self.core,
            {"XDG_CACHE_HOME": str(WORK / "cache")},
        )


def _rate(size: int, seconds: float) -> dict[str, float]:
    return {"cpu_s": seconds, "mb_per_s": round(size / 1e6 / max(seconds, 1e-9), 2)}


def _middle(runs: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """Take the run with the median processor time; memory is the worst of all."""
    chosen = sorted(runs, key=lambda r: r["cpu_s"])[len(runs) // 2]
    said = chosen["said"]
    return {
        "runs": len(runs),
        **_rate(size, chosen["cpu_s"]),
        "wall_s": chosen["wall_s"],
        "mb_per_wall_s": round(size / 1e6 / chosen["wall_s"], 2),
        "own_mb_per_s": median(r["said"]["mb_per_second"] for r in runs),
        "peak_mb": max(r["peak_mb"] for r in runs),
        **{name: said[name] for name in ("rows", "rejected", "findings", "cases", "campaigns")},
    }


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _state() -> str:
    """Name the sources that decide the result, and the rows that the generator makes."""
    digest = blake2b(digest_size=8)
    for path in sorted([*(HERE.parent / "src").rglob("*.*"), *HERE.glob("*.py"), *HERE.glob("*.yaml")]):
        if path.is_file() and path.suffix in (".py", ".yaml", ".tsv", ".txt", ".c", ".so"):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "cpu": model[0] if model else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def commit() -> str:
    said = subprocess.run(
        ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip()


def measure(bench: Bench, console: Console) -> dict[str, Any]:
    """Measure every piece that is not kept yet."""
    kept = WORK / bench.state / f"pieces-{bench.rows}"
    result: dict[str, Any] = {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    pieces = bench.pieces()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(pieces))
        for name, piece in pieces.items():
            progress.update(task, description=name)
            path = kept / f"{name}.json"
            if bench.fresh or not path.exists():
                keep(path, piece())
            result[name] = json.loads(path.read_text("utf-8"))
            progress.advance(task)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure Tocsin beside its limits and its peers.")
    parser.add_argument("--quick", action="store_true", help="20,000 rows and no peers: tests the bench itself")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    parser.add_argument("--core", type=int, default=last_core())
    given = parser.parse_args()
    console = Console(stderr=True)
    bench = Bench(20_000 if given.quick else given.rows, given.core, _state(), given.fresh, given.quick)
    try:
        measured = measure(bench, console)
    except FailedError as error:
        console.print(f"bench: {error}", markup=False)
        return 1
    head = {"made": datetime.now(UTC).strftime("%Y-%m-%d"), "commit": commit(), "seed": SEED, "machine": machine()}
    path = (WORK if given.quick else RESULTS) / ("quick.json" if given.quick else "bench.json")
    keep(path, {**head, "pieces": measured})
    console.print(
        f"written: {path.relative_to(HERE.parent)}; the table: python bench/table.py {path.relative_to(HERE.parent)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
