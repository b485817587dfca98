"""Measure the coalition: `python bench/coalition.py`; part of `make bench`. Writes bench/results/coalition.json.

A million signed statements in four logs, each log stamped every 1,000 under real cosignatures, written once below
bench/kept. They are read with every signature on all cores and on one, folded whole, and then followed: what one more
statement costs while the state is kept. Seconds are of processor, except those of reading on all cores.
bench/coalition_table.py puts the result into docs/coalition.md.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import quantiles
from typing import Any

from cost import keep, run_alone
from run import _load, commit, machine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "coalition"))
from coalition_worlds import found, member, second, side, signer

from tocsin.coalition import Charter, Follow, LogReader, learn, sign_statement, state
from tocsin.forms.statements import Inquiry, Notice, Stamp
from tocsin.ledger import Checkpoint, Note, Range, leaf_hash
from tocsin.ledger.keys import sign_text

HERE = Path(__file__).parent
RESULT = HERE / "results" / "coalition.json"
WORK = HERE / "kept" / "coalition"
STATEMENTS = 1_000_000
STAMP_EVERY = 1000
ONE_THREAD = 100_000
MORE = 4000
MORE_STAMPS = 100
NAMES = ("a0", "a1", "b0", "b1")
PART = 16_384


def founding() -> Charter:
    return found([side(s, [member(f"{s}{i}") for i in range(2)]) for s in "ab"], expiry=10**10)


class Writer:
    """Writes one member's log: statements, and stamps that all mirrors cosigned."""

    def __init__(self, name: str, charter: Charter, number: int = 0, tree: Range | None = None) -> None:
        self.origin = member(name).origin
        self._charter, self._name, self._number = charter, name, number
        self._tree = tree or Range()

    def statement(self) -> bytes:
        self._number += 1
        text = f"run {self._number}"
        asks = self._number % 100 == 0
        form = Inquiry(self.origin, member("a0").origin, text, 1) if asks else Notice(self.origin, "run", text, 1)
        return self._signed(form)

    def stamp(self, at: int) -> bytes:
        text = Checkpoint(self.origin, self._tree.size, self._tree.root()).text()
        note = sign_text(text, [signer(self.origin)], at)
        mirrors = tuple(signer(f"mirror.{name}.0", 4).sign(text, at) for name in NAMES)
        whole = Note(text, (*note.signatures, *mirrors)).encode().decode()
        return self._signed(Stamp(self.origin, 0, self._charter.hash, whole))

    def _signed(self, form: Any) -> bytes:
        raw = sign_statement(self._charter.hash, form, [signer(f"statement.{self._name}.0")])
        self._tree.extend([leaf_hash(raw)])
        return raw


def write_log(name: str, charter: Charter, count: int) -> Path:
    """Write a log once: entries with their length before them."""
    path = WORK / f"{name}-{count}-{charter.hash[:12]}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        writer, growing = Writer(name, charter), path.with_suffix(".growing")
        with growing.open("wb") as file:
            for number in range(1, count + 1):
                raw = writer.stamp(second(number // STAMP_EVERY)) if number % STAMP_EVERY == 0 else writer.statement()
                file.write(len(raw).to_bytes(2, "big") + raw)
        growing.replace(path)
    return path


def entries(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(2):
            yield file.read(int.from_bytes(head, "big"))


def read(
    spread: Any, charter: Charter, count: int, names: tuple[str, ...]
) -> tuple[dict[str, LogReader], float, float]:
    """Read logs with every signature; the time is of reading alone, not of the disk."""
    readers, spent, cpu = {}, 0.0, 0.0
    for name in names:
        reader = LogReader(member(name), charter.hash, spread)
        stream = entries(write_log(name, charter, STATEMENTS // len(NAMES)))
        while part := list(islice(stream, min(PART, count // len(names) - reader.size))):
            begun, busy = time.perf_counter(), time.process_time()
            reader.feed(part)
            spent, cpu = spent + time.perf_counter() - begun, cpu + time.process_time() - busy
        readers[reader.origin] = reader
    return readers, spent, cpu


def fold(charter: Charter) -> dict[str, Any]:
    """Read and fold a million statements, and go on one by one."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        readers, seconds, cpu = read(pool.map, charter, STATEMENTS, NAMES)
    prefixes = {origin: [reader.prefix()] for origin, reader in readers.items()}
    begun = time.process_time()  # of one thread: what others do on the machine does not count
    known = learn(charter, lambda one: prefixes[one.origin])
    learned = time.process_time()
    shown = state(known, second(10**6))
    done = time.process_time()
    assert len(shown.notices) + len(shown.inquiries) == STATEMENTS - STATEMENTS // STAMP_EVERY
    follow = Follow(charter, lambda one: readers[one.origin])
    for origin in readers:
        follow.advance(origin)
    caught = time.process_time()
    assert follow.state(second(10**6)) == shown
    return {
        "read_seconds": round(seconds, 2),
        "read_cpu_seconds": round(cpu, 2),
        "learn_seconds": round(learned - begun, 2),
        "state_seconds": round(done - learned, 2),
        "follow_seconds": round(caught - done, 2),
        **one_by_one(charter, follow, readers),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }


def one_by_one(charter: Charter, follow: Follow, readers: dict[str, LogReader]) -> dict[str, Any]:
    """Add statements to one log, each with its signature, and a stamp after every hundred."""
    reader = readers[member("a0").origin]
    tree = Range()
    leaves = reader.prefix().leaves
    tree.extend(leaves[i : i + 32] for i in range(0, len(leaves), 32))
    writer = Writer("a0", charter, STATEMENTS, tree)
    times: dict[str, list[float]] = {"statement": [], "stamp": []}
    for number in range(1, MORE + 1):
        kind = "stamp" if number % MORE_STAMPS == 0 else "statement"
        at = second(STATEMENTS // len(NAMES) // STAMP_EVERY + 1, 0) + number
        raw = writer.stamp(at) if kind == "stamp" else writer.statement()
        begun = time.process_time()
        reader.feed([raw])
        follow.advance(reader.origin)
        times[kind].append((time.process_time() - begun) * 1000)
    begun = time.process_time()
    assert len(follow.state(second(10**6)).notices) > STATEMENTS * 0.98
    whole = (time.process_time() - begun) * 1000
    return {
        **{f"{kind}_{name}_ms": round(value, 3) for kind, found in times.items() for name, value in spread_of(found)},
        "mean_ms": round((sum(times["statement"]) + sum(times["stamp"])) / MORE, 3),
        "kept_state_ms": round(whole, 1),
    }


def spread_of(found: list[float]) -> list[tuple[str, float]]:
    cut = quantiles(found, n=100)
    return [("p50", cut[49]), ("p99", cut[98]), ("max", max(found))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure reading, folding and following a million statements.")
    parser.add_argument("--prepare", action="store_true", help="Only write the logs.")
    parser.add_argument("--alone", action="store_true", help="Read with one thread, for the run on one core.")
    given = parser.parse_args()
    charter = founding()
    for name in NAMES:
        write_log(name, charter, STATEMENTS // len(NAMES))
    if given.alone:
        _, _, seconds = read(map, charter, ONE_THREAD, NAMES[:1])
        print(f'{{"per_second": {ONE_THREAD / seconds:.0f}}}')
    elif not given.prepare:
        alone = run_alone([sys.executable, __file__, "--alone"], max(os.sched_getaffinity(0)))
        head = {"commit": commit(), "machine": machine(), "load": _load(), "statements": STATEMENTS}
        keep(RESULT, {**head, **fold(charter), "one_core_read_per_second": alone["said"]["per_second"]})
        print(RESULT.read_text("utf-8"))


if __name__ == "__main__":
    main()
