"""Measure the whole path with everything on, and the fingerprints: `python bench/whole.py [--pieces NAME…] [--fresh]`.

Everything on: a thousand rules, a million alarms, the classifier's class sums. Like run.py, every piece is measured in
processes of its own and kept at once under bench/kept/whole; what is kept is measured again only with --fresh, and each
piece says the commit that it was measured at. The result is bench/results/whole.json.
TOCSIN_LABELLED names the folder of labelled texts.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from cost import AS_INSTALLED, FailedError, keep, last_core, run_alone
from run import PEERS, Piece, _load, _middle, commit, machine

HERE = Path(__file__).parent
WORK = HERE / "kept" / "whole"
RESULT = HERE / "results" / "whole.json"
SEED, RULES, ALARMS = 1, 1000, 1_000_000
ROWS, HOSTILE_ROWS, WARM_ROWS = 1_000_000, 50_000, 2000
PEER_ROWS, PEER_SECONDS = 50_000, 12
GROWTH = 100_000, 1_000_000, 10_000_000
COPIES = 10  # of the million rows make the ten million, with new ids and later times
SAMPLE_S = 0.25
REPEATS = 3  # of the whole command; the median counts


def pieces(core: int) -> dict[str, Piece]:
    """Name what is measured, in order."""
    recall: dict[str, Piece] = {
        n: partial(_python, core, "recall.py", n, _alarms()) for n in ("recall", "generated", "labelled")
    }
    peers: dict[str, Piece] = {name: partial(_peer, core, name) for name in PEERS}
    growth: dict[str, Piece] = {f"growth-{rows}": partial(_growth, core, rows) for rows in GROWTH}
    return {
        "bank": partial(_python, core, "alarms.py", "bank", _alarms(), "--alarms", str(ALARMS)),
        **recall,
        "rules": partial(_python, core, "rulefolder.py", str(WORK / "standard"), "--rules", str(RULES)),
        "warm": lambda: screen_on(core, rows_file(WARM_ROWS)),
        "main": partial(_main, core),
        "without": partial(_without, core),
        "scored": lambda: _once(core, rows_file(ROWS), scores=True),
        "hostile": partial(_hostile, core),
        "stages": partial(_stages, core),
        **peers,
        **{f"workers-{count}": partial(_workers, count, ROWS) for count in (1, 2)},
        **{f"workers-{count}-many": partial(_workers, count, COPIES * ROWS) for count in (1, 2)},
        **growth,
        "add": partial(_python, core, "alarms.py", "add", _alarms()),
    }


def _alarms() -> str:
    return str(WORK / "alarms")


def _python(core: int, *command: str) -> dict[str, Any]:
    ran = run_alone([sys.executable, str(HERE / command[0]), *command[1:]], core)
    return {**ran["said"], "peak_mb": ran["peak_mb"], "process_cpu_s": ran["cpu_s"]}


def _main(core: int) -> dict[str, Any]:
    """Measure the bare read, then the whole command."""
    file = rows_file(ROWS)
    read = _python(core, "stages.py", "read", str(file))
    runs = [screen_on(core, file) for _ in range(REPEATS)]
    size = read["text_bytes"]
    return {"text_mb": round(size / 1e6, 2), "read": _rate(size, read["cpu_s"]), "whole": _middle(runs, size)}


def _without(core: int) -> dict[str, Any]:
    """Measure the whole command with each of its burdens off, and on next to no rows: what a run costs at least."""
    file = rows_file(ROWS)
    size = _python(core, "stages.py", "read", str(file))["text_bytes"]
    off = {"alarms": {"alarms": False}, "generated rules": {"rules": False}}
    found = {name: _middle([screen_on(core, file, **given)], size) for name, given in off.items()}
    return {**found, "rows": _middle([screen_on(core, rows_file(WARM_ROWS))], 0)}


def _hostile(core: int) -> dict[str, Any]:
    """Screen rows made of the rules' own words, all thousand."""
    return _once(core, rows_file(HOSTILE_ROWS, hostile=True))


def _stages(core: int) -> dict[str, Any]:
    """Book the processor time of one run to its stages."""
    given = [str(WORK / "standard"), str(WORK / "alarms")]
    return _python(core, "stages.py", "stages", str(rows_file(ROWS)), *given)


def _peer(core: int, name: str) -> dict[str, Any]:
    """Let a peer look at the same rows with the same rules."""
    where = [str(WORK.parent / "peers"), str(WORK / "peer-rules.json"), str(WORK / "peer-rows.jsonl")]
    exported = run_alone(
        [sys.executable, str(HERE / "rivals.py"), str(rows_file(ROWS)), str(PEER_ROWS), *where, str(WORK / "standard")],
        core,
    )["said"]
    cost = run_alone([exported["python"], str(HERE / "peer.py"), name, *where[1:], str(PEER_SECONDS)], core)
    said = cost["said"]
    return {**said, **_rate(said["text_bytes"], said["cpu_s"]), "peak_mb": cost["peak_mb"], "given": exported["given"]}


def _workers(count: int, rows: int) -> dict[str, Any]:
    """Screen with so many workers on all cores, and watch the memory of the process."""
    file, watch = rows_file(rows), _Watch()
    started = time.perf_counter()
    child = subprocess.Popen(command_on(file, workers=count), env=_environment(), stdout=subprocess.PIPE)
    watcher = threading.Thread(target=watch.until_end, args=(child.pid,))
    watcher.start()
    said = json.loads(child.communicate()[0].splitlines()[-1])
    watcher.join()
    if child.returncode:
        raise FailedError(f"screening with {count} workers ended with {child.returncode}")
    wall = round(time.perf_counter() - started, 2)
    return {"workers": count, "rows": rows, "wall_s": wall, "screening_s": said["seconds"], "memory": watch.told()}


class _Watch:
    """Read what memory the processes of a run hold, again and again, and keep the most of each."""

    def __init__(self) -> None:
        self._most: dict[int, dict[str, float]] = {}

    def until_end(self, pid: int) -> None:
        """Read until the first process has ended."""
        while Path(f"/proc/{pid}/status").exists():
            found = [pid, *_children(pid)]
            read = [self._read(one) for one in found]
            if not any(read):
                return
            time.sleep(SAMPLE_S)

    def told(self) -> list[dict[str, float]]:
        """Tell of each process, the first one first: MB resident at the most, and MB of it beside pages of files.

        What a fork shares with the first process, and memory that both write to, counts in each.
        """
        return [self._most[pid] for pid in sorted(self._most)]

    def _read(self, pid: int) -> bool:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            return False
        kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
        if "VmRSS" not in kb:  # it has ended
            return False
        beside = kb["RssAnon"] + kb["RssShmem"]
        now = {"resident_mb": kb["VmRSS"] * 1024 / 1e6, "beside_files_mb": beside * 1024 / 1e6}
        before = self._most.setdefault(pid, dict.fromkeys(now, 0.0))
        self._most[pid] = {name: round(max(value, before[name]), 1) for name, value in now.items()}
        return True


def _children(pid: int) -> list[int]:
    """Find the processes that this one started."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == pid]


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def _growth(core: int, rows: int) -> dict[str, Any]:
    """Screen so many rows once."""
    if rows == ROWS:  # measured already
        main = json.loads((WORK / "pieces" / "main.json").read_text("utf-8"))
        return {name: main[name] for name in ("text_mb", "read", "whole")}
    return _once(core, rows_file(rows))


def _once(core: int, file: Path, **given: bool) -> dict[str, Any]:
    """Measure the bare read of a file and one run of the whole command."""
    read = _python(core, "stages.py", "read", str(file))
    size = read["text_bytes"]
    run = _middle([screen_on(core, file, **given)], size)
    return {"text_mb": round(size / 1e6, 2), "read": _rate(size, read["cpu_s"]), "whole": run}


def rows_file(rows: int, *, hostile: bool = False) -> Path:
    """Generate rows, once; ten million are the million ten times over."""
    path = WORK / f"rows-{rows}{'-hostile' if hostile else ''}.parquet"
    if not path.exists() and rows == COPIES * ROWS:
        copy_rows(rows_file(ROWS), path, COPIES)
    elif not path.exists():
        more = ["--hostile", "--standard", str(WORK / "standard")] if hostile else []
        subprocess.run(
            [sys.executable, str(HERE / "generate.py"), str(rows), str(path), "--seed", str(SEED), *more], check=True
        )
    return path


def copy_rows(source: Path, path: Path, copies: int) -> None:
    """Write a file so many times over: new ids and sessions, the times of each copy after the last."""
    import pyarrow as pa
    import pyarrow.compute as pc

    growing = path.with_suffix(".growing")
    with pq.ParquetFile(source) as parquet, pq.ParquetWriter(growing, parquet.schema_arrow, compression="zstd") as out:
        times = pq.read_table(source, columns=["time"])["time"].cast(pa.int64())
        span = pc.max(times).as_py() - pc.min(times).as_py() + 1_000_000
        for number in range(copies):
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group)
                later = pc.add(table["time"].cast(pa.int64()), number * span).cast(table.schema.field("time").type)
                table = table.set_column(table.schema.get_field_index("time"), "time", later)
                for name in ("id", "session"):
                    renamed = pc.binary_join_element_wise(table[name], f"{number}", "-")
                    table = table.set_column(table.schema.get_field_index(name), name, renamed)
                out.write_table(table.cast(parquet.schema_arrow))
    growing.replace(path)


def screen_on(core: int, file: Path, **given: bool) -> dict[str, Any]:
    """Run the whole command with everything on, or with something off."""
    return run_alone(command_on(file, **given), core, _environment())


def command_on(
    file: Path, *, alarms: bool = True, rules: bool = True, scores: bool = False, workers: int = 1
) -> list[str]:
    """Write the command down."""
    bank = ["--alarms", str(WORK / "alarms" / "bank"), "--group-key", str(WORK / "alarms" / "group.key")]
    return [
        str(Path(sys.executable).with_name("tocsin")),
        *("screen", str(file)),
        *("--out", str(WORK / "out"), "--json", "--workers", str(workers)),
        *(["--standard", str(WORK / "standard")] if rules else []),
        *(bank if alarms else []),
        *(["--scores"] if scores else []),
    ]


def _environment() -> dict[str, str]:
    return {**os.environ, **AS_INSTALLED, "XDG_CACHE_HOME": str(WORK / "cache")}


def _rate(size: int, seconds: float) -> dict[str, float]:
    return {"cpu_s": seconds, "mb_per_s": round(size / 1e6 / max(seconds, 1e-9), 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", nargs="+", metavar="NAME", help="only these; all when left out")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured before")
    parser.add_argument("--core", type=int, default=last_core())
    given = parser.parse_args()
    console, known = Console(stderr=True), pieces(given.core)
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        for name in given.pieces or known:
            path = WORK / "pieces" / f"{name}.json"
            if given.fresh or not path.exists():
                console.print(name, markup=False)
                keep(path, {"commit": commit(), **known[name](), "load": _load()})
    except FailedError as error:
        console.print(f"bench: {error}", markup=False)
        return 1
    kept = {name: WORK / "pieces" / f"{name}.json" for name in known}
    measured = {name: json.loads(path.read_text("utf-8")) for name, path in kept.items() if path.exists()}
    head = {"made": datetime.now(UTC).strftime("%Y-%m-%d"), "seed": SEED, "machine": machine()}
    keep(RESULT, {**head, "pieces": measured})
    return 0


if __name__ == "__main__":
    sys.exit(main())
