"""Measure one thing in a process of its own, and print it as JSON: `python bench/stages.py read|scan|stages FILE`."""

import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.flow import Settings, alarm_bank, run_screen
from tocsin.forms.limits import BATCH_ROWS
from tocsin.standard import compile_pack, load_standard
from tocsin.text import fold_batch, kernels_in_use, sketch_batch
from tocsin.traffic.parquet import read_parquet

REPEATS = 3
SCANNED_BATCHES = 8  # what is measured a step at a time: 131,072 rows
CACHE = Path(__file__).with_name("kept") / "cache" / "tocsin"

# Each stage is the time inside these functions less the time inside other stages. A generator's is that of its steps.
STAGES = {
    "read and check": ["tocsin.flow.screening:pull"],
    "fold": ["tocsin.screen.engine:fold_batch"],
    "scan for candidates": ["tocsin.standard.sieve:_Half.sift"],
    "confirm and write findings": ["tocsin.screen.detectors.rules:RuleDetector.find"],
    "classify": ["tocsin.screen.classifier:ClassifierDetector.find"],
    "look up alarms": ["tocsin.screen.detectors.fingerprint:FingerprintDetector.find"],
    "open the bank": ["tocsin.flow.fingerprinting:open_bank"],
    "scan: windows and class sums": ["tocsin.screen.classifier:ClassifierDetector.scan"],
    "sketch": ["tocsin.screen.engine:sketch_batch", "tocsin.screen.engine:_sketches"],
    "activity": [
        "tocsin.screen.engine:count_activity",
        "tocsin.screen.tally:Tally.add",
        "tocsin.screen.tally:Tally.whole",
    ],
    "scores": ["tocsin.screen.engine:score_events"],
    "keep and load parts": [
        "tocsin.flow.parts:PartStore.path",
        "tocsin.flow.parts:PartStore.keep",
        "tocsin.flow.parts:PartStore.load",
    ],
    "templates": ["tocsin.screen.run:find_templates", "tocsin.flow.gathering:thin_sketches"],
    "behaviour": ["tocsin.flow.gathering:judge_behaviour"],
    "cases": ["tocsin.flow.screening:build_cases"],
    "report": ["tocsin.flow.screening:present"],
    "load the standard": ["tocsin.flow.screening:load_standard", "tocsin.flow.workers:compile_pack"],
}
OTHER = "everything else"


class Ledger:
    """Book processor time to the innermost stage that runs."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open = [OTHER]
        self._since = time.process_time()

    def enter(self, stage: str) -> None:
        self._book()
        self._open.append(stage)

    def leave(self) -> None:
        self._book()
        self._open.pop()

    def _book(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is booked."""

        def run(*given: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                result = work(*given, **named)
            finally:
                self.leave()
            return self.steps(stage, result) if isinstance(result, Iterator) else result

        return run

    def steps(self, stage: str, items: Iterator[Any]) -> Iterator[Any]:
        """Pass items on, booking the time that each takes to come."""
        while True:
            self.enter(stage)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.leave()
            yield item


def place(name: str) -> tuple[Any, str]:
    """Find where `module:attribute` is looked up: the owner and the last name."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, last


def measure_stages(file: Path, standard: str = "", alarms: str = "") -> dict[str, Any]:
    """Screen a file as the command does, and book the time to stages."""
    more: dict[str, Any] = {"standard": Path(standard)} if standard else {}
    if alarms:
        folder = Path(alarms)
        more["alarms"] = alarm_bank(folder / "bank", [(folder / "group.key").read_bytes()], CACHE)
    ledger = Ledger()
    for stage, names in STAGES.items():
        for owner, last in map(place, names):
            setattr(owner, last, ledger.timed(stage, getattr(owner, last)))
    with TemporaryDirectory(dir=file.parent) as out:
        run_screen(Settings((str(file),), Path(out), cache=CACHE, **more), time.perf_counter)
    ledger.enter(OTHER)
    return {"cpu_s": {stage: round(ledger.spent[stage], 3) for stage in [*STAGES, OTHER]}}


def measure_read(file: Path) -> dict[str, Any]:
    """Read the file's columns and nothing else, then as Tocsin checks them; return seconds and bytes of text."""
    bare = median(_spent(lambda: _drain(_bare(file))) for _ in range(REPEATS))
    checked = _spent(lambda: _drain(read_parquet("rows", file)))
    sizes = [(batch.num_rows, pc.sum(pc.binary_length(batch["text"])).as_py()) for batch in _bare(file)]
    return {
        "cpu_s": round(bare, 3),
        "checked_cpu_s": round(checked, 3),
        "rows": sum(rows for rows, _ in sizes),
        "text_bytes": sum(size for _, size in sizes),
    }


def measure_scan(file: Path) -> dict[str, Any]:
    """Take the work on texts apart over the first rows: fold, the bare scan, candidates, matches, sketch."""
    standard = load_standard(prove=False)
    pack = compile_pack(standard, CACHE)
    rival: Any = compile_pack(standard, CACHE, "vectorscan").candidates
    scanner = rival.exact.finder.scanner
    spent: dict[str, float] = defaultdict(float)
    seen: dict[str, int] = defaultdict(int)
    for batch in islice(_bare(file, ["text", "role"]), SCANNED_BATCHES):
        at = time.process_time()
        folded = fold_batch(batch["text"])
        spent["fold"] += time.process_time() - at
        spent["raw"] += median(_spent(lambda f=folded: scanner.scan(f.buffer)) for _ in range(REPEATS))
        roles = batch["role"].to_pylist()
        spent["candidates"] += _spent(lambda f=folded, r=roles: pack.candidates(f, r))
        spent["by_vectorscan"] += _spent(lambda f=folded, r=roles: rival(f, r))
        spent["matches"] += _spent(lambda f=folded, r=roles: pack.matches(f, r))
        spent["sketch"] += _spent(lambda f=folded: sketch_batch(f))
        seen["rows"] += batch.num_rows
        seen["text_bytes"] += pc.sum(pc.binary_length(batch["text"])).as_py()
        seen["hits"] += _hits(scanner, folded.buffer)
        sifted = pack.candidates(folded, roles)
        seen["candidates"] += len(sifted.sure) + len(list(sifted.doubtful))
        seen["matches"] += len(pack.matches(folded, roles))
    return {"cpu_s": {name: round(seconds, 3) for name, seconds in spent.items()}, "kernels": kernels_in_use(), **seen}


def _hits(scanner: Any, buffer: bytes) -> int:
    count = 0

    def on_match(*_: Any) -> None:
        nonlocal count
        count += 1

    scanner.scan(buffer, match_event_handler=on_match)
    return count


def _bare(file: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file, pre_buffer=False) as parquet:
        yield from parquet.iter_batches(BATCH_ROWS, columns=columns)


def _drain(items: Iterator[Any]) -> None:
    for _ in items:
        pass


def _spent(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "read": measure_read,
    "scan": measure_scan,
    "stages": measure_stages,
}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])))
