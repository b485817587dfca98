"""Measure the exercise: `python bench/exercise.py [--pieces PIECE…] [--write | --check]`.

The full model as one command (1,000 runs × 1,000 campaigns × 365 days under seven policies), the check of known cases,
and a small model beside Mesa and SimPy, each in a process of its own on one core. Results go to
bench/results/exercise.json; --write puts their table into docs/exercise.md, --check says whether it is there.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cost import keep, last_core, run_alone
from environment import install
from page import replaced
from run import commit, machine

HERE = Path(__file__).parent
RESULT = HERE / "results" / "exercise.json"
PAGE = HERE.parent / "docs" / "exercise.md"
RUNS, DAYS, SEED = 1000, 200, 1
SIZES = {"tocsin": 1_000_000, "mesa": 20_000, "simpy-days": 20_000, "simpy-events": 100_000}
SCENARIOS = ("arms-length", "poison")


def full(core: int) -> dict[str, Any]:
    """Run scenarios as a planner does."""
    command, out = _tocsin(), str(HERE / "kept" / "exercise")
    return {name: _cost([*command, "run", name, "--out", out, "--runs", str(RUNS)], core) for name in SCENARIOS}


def check(core: int) -> dict[str, Any]:
    """Check the known cases, a million campaigns each."""
    return _cost([*_tocsin(), "check"], core)


def small(core: int) -> dict[str, Any]:
    """Run the small model on every library."""
    python = str(install(HERE / "kept" / "exercise-peers", HERE / "exercise_peers.txt"))
    found = {}
    for name, campaigns in SIZES.items():
        own = sys.executable if name == "tocsin" else python
        call = [own, str(HERE / "exercise_peer.py"), name, str(campaigns), str(DAYS), str(SEED)]
        found[name] = run_alone(call, core)["said"] | {"load": _load()}
    return found


PIECES = {"full": full, "check": check, "small": small}


def _tocsin() -> list[str]:
    return [str(Path(sys.executable).with_name("tocsin")), "exercise"]


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _cost(call: list[str], core: int) -> dict[str, float]:
    cost = run_alone(call, core)
    return {name: cost[name] for name in ("wall_s", "cpu_s", "peak_mb")} | {"load": _load()}


def render(result: dict[str, Any]) -> str:
    """Render the results as Markdown."""
    machine_ = result["machine"]
    head = (
        f"Measured {result['made']} at commit {result['commit']}, one core of {machine_['cores']} ({machine_['cpu']}), "
        f"Python {machine_['python']}."
    )
    return "\n".join([head, "", *_full(result), "", *_small(result)])


def _full(result: dict[str, Any]) -> Iterator[str]:
    yield "| command | wall s | processor s | peak memory MB | load when done |"
    yield "|---|---|---|---|---|"
    rows = {f"`exercise run {name} --runs {RUNS}`, seven policies": cost for name, cost in result["full"].items()}
    for name, cost in (rows | {"`exercise check`": result["check"]}).items():
        yield f"| {name} | {cost['wall_s']:.1f} | {cost['cpu_s']:.1f} | {cost['peak_mb']:.0f} | {cost['load']:.1f} |"


def _small(result: dict[str, Any]) -> Iterator[str]:
    small = result["small"]
    names = {"tocsin": "Tocsin", "mesa": "Mesa, a step a day", "simpy-days": "SimPy, a timeout a day",
             "simpy-events": "SimPy, a timeout a detection"}  # fmt: skip
    best, full_ = small["tocsin"]["campaign_days_per_s"], _full_rate(result)
    yield "| model | version | campaigns | mean life | campaign-days a second | small faster by | full faster by |"
    yield "|---|---|---|---|---|---|---|"
    version = small["tocsin"]["version"]
    yield f"| full, Tocsin (`{SCENARIOS[0]}`) | {version} | {7 * RUNS * 1000:,} | | {full_ / 1e6:,.2f} million | | 1 |"
    for name, m in small.items():
        rate = m["campaign_days_per_s"]
        row = f"| small, {names[name]} | {m['version']} | {m['campaigns']:,} | {m['life']:.1f}"
        yield f"{row} | {rate / 1e6:,.2f} million | {best / rate:,.0f} | {full_ / rate:,.0f} |"


def _full_rate(result: dict[str, Any]) -> float:
    """Count a thousand campaigns, 365 days and seven policies a run; the whole command's processor time."""
    return 7 * RUNS * 1000 * 365 / float(result["full"][SCENARIOS[0]]["cpu_s"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", type=int, default=last_core())
    parser.add_argument("--pieces", nargs="+", choices=PIECES, default=list(PIECES), help="measure these anew")
    parser.add_argument("--result", type=Path, default=RESULT, help="the results to write or check")
    parser.add_argument("--write", action="store_true", help="put the tables of the last results into docs/exercise.md")
    parser.add_argument("--check", action="store_true", help="end with 1 where docs/exercise.md says something else")
    given = parser.parse_args()
    if not (given.write or given.check):
        result = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
        result |= {"made": datetime.now(UTC).strftime("%Y-%m-%d"), "commit": commit(), "machine": machine()}
        for name in given.pieces:
            keep(RESULT, result := result | {name: PIECES[name](given.core)})
        return 0
    page = PAGE.read_text("utf-8")
    current = replaced(page, render(json.loads(given.result.read_text("utf-8"))))
    if given.write:
        PAGE.write_text(current, "utf-8")
    return int(given.check and current != page)


if __name__ == "__main__":
    sys.exit(main())
