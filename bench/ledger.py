"""Measure the ledger: `python bench/ledger.py [--quick] [--only PIECE] [--core C]`; part of `make bench`.

Each piece runs in a process of its own on one core; the servers of the piece `cosigned` take the other cores. The
result is bench/results/ledger.json; bench/ledger_table.py puts it into docs/ledger.md.
"""

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from cost import keep, last_core, run_alone
from run import _load, commit, machine
from tocsin.forms.errors import FormatError
from tocsin.ledger import (
    FileStore,
    GroupedLog,
    Log,
    LogLine,
    Policy,
    Tender,
    audit_log,
    check_note,
    folder_source,
    gather,
    new_key,
    parse_note,
    parse_policy,
    verify_proof,
)
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.merkle import leaf_hash, verify_inclusion
from tocsin.ledger.prove import prove_consistency, prove_inclusion
from tocsin.node import HttpTransport

HERE = Path(__file__).parent
RESULT = HERE / "results" / "ledger.json"
WORK = HERE / "kept" / "ledger"
ORIGIN = "log.example.org/bench"
KEY = new_key(ORIGIN, lambda count: bytes(range(count)))
POLICY = Policy((LogLine(KEY[0].key),))
ENTRY_BYTES = 512
BATCHES = (1, 16, 256)
PROGRAM = "from tocsin.cli.main import main\nmain()"


def entry(number: int) -> bytes:
    """Make an entry of 512 bytes, each another."""
    return f"{number:012d}".encode() * (ENTRY_BYTES // 12) + b"." * (ENTRY_BYTES % 12)


def open_log(folder: Path) -> Log:
    folder.mkdir(parents=True, exist_ok=True)
    return Log(FileStore(folder), LeafIndex(str(folder / "leaves.db")), ORIGIN)


def grown(count: int) -> Log:
    """A published log of `count` entries, made once."""
    folder = WORK / f"log-{count}"
    log = open_log(folder)
    if log.published() is None:
        for start in range(log.tree.head().size, count, 16_384):
            log.append([entry(n) for n in range(start, min(start + 16_384, count))])
        log.publish(log.sign(KEY, int(time.time())))
    return log


def append(seconds: float) -> dict[str, Any]:
    """Durable appends a second for some batch sizes, one writer, a checkpoint signed and published every second."""
    found = {f"batch_{batch}": _appending(batch, seconds) for batch in BATCHES}
    return {**found, "threads_64": _together(64, seconds)}


def _appending(batch: int, seconds: float) -> dict[str, Any]:
    with TemporaryDirectory(dir=WORK) as folder:
        log = open_log(Path(folder) / "log")
        waits, count, checkpoints = [], 0, 0
        start, cpu = time.perf_counter(), time.process_time()
        while (now := time.perf_counter()) < start + seconds:
            log.append([entry(count + n) for n in range(batch)])
            count += batch
            waits.append(time.perf_counter() - now)
            if now - start > checkpoints + 1:
                log.publish(log.sign(KEY, int(time.time())))
                checkpoints += 1
        wall, spent = time.perf_counter() - start, time.process_time() - cpu
    return _appended(count, wall, spent, waits, checkpoints)


def _together(threads: int, seconds: float) -> dict[str, Any]:
    """The same for threads that each append one entry, wait for it, and append the next."""
    with TemporaryDirectory(dir=WORK) as folder:
        log = open_log(Path(folder) / "log")
        grouped, start, cpu = GroupedLog(log), time.perf_counter(), time.process_time()

        def work(thread: int) -> list[float]:
            waits: list[float] = []
            while (now := time.perf_counter()) < start + seconds:
                grouped.append([entry(thread * 10_000_000 + len(waits))])
                waits.append(time.perf_counter() - now)
            return waits

        def sign() -> int:
            signer, done = open_log(Path(folder) / "log"), 0
            while time.perf_counter() < start + seconds:
                signer.publish(signer.sign(KEY, int(time.time())))
                done += 1
                time.sleep(max(0.0, start + done - time.perf_counter()))
            return done

        with ThreadPoolExecutor(threads + 1) as pool:
            checkpoints = pool.submit(sign)
            waits = [wait for one in pool.map(work, range(threads)) for wait in one]
        wall, spent = time.perf_counter() - start, time.process_time() - cpu
    return _appended(len(waits), wall, spent, waits, checkpoints.result())


def _appended(count: int, wall: float, spent: float, waits: list[float], checkpoints: int) -> dict[str, Any]:
    return {
        "per_s": round(count / wall),
        "per_cpu_s": round(count / spent),
        "p50_ms": _ms(median(waits)),
        "p99_ms": _ms(quantiles(waits, n=100)[98]),
        "checkpoints": checkpoints,
    }


def proofs(count: int) -> dict[str, Any]:
    """Proofs made and verified a second on a tree of `count` entries."""
    log = grown(count)
    tree, hashes = check_note(log.published(), POLICY).checkpoint, log.tree.hashes()  # type: ignore[arg-type]
    near = [n * 977 % min(count, 65_536) for n in range(2000)]
    far = [n * 7919 % count for n in range(300)]
    made = [prove_inclusion(hashes, index, count) for index in near]
    whole = log.prove(near[0])
    return {
        "entries": count,
        "inclusion_kept_tiles_per_s": _rate(lambda n: prove_inclusion(hashes, near[n], count), 2000),
        "inclusion_from_disk_per_s": _rate(lambda n: log.prove(far[n]), 300),
        "consistency_per_s": _rate(lambda n: prove_consistency(hashes, near[n] + 1, count), 2000),
        "verify_inclusion_per_s": _rate(
            lambda n: verify_inclusion(near[n], count, leaf_hash(entry(near[n])), made[n], tree.root), 2000
        ),
        "verify_proof_per_s": _rate(lambda n: verify_proof(whole, entry(near[0]), POLICY), 2000),
    }


def hostile() -> dict[str, Any]:
    """Milliseconds that a hostile note costs before it is refused."""
    line = "\u2014 w YWJjZHg=\n"
    notes = {
        "100,000 signature lines": ("o\n1\n\n" + line * 100_000).encode(),
        "10 MB": b"x" * 10_000_000,
        "512 KiB of empty lines": b"\n" * (512 << 10),
    }
    return {name: _ms(1 / _rate(lambda _, raw=raw: _refused(raw), 20)) for name, raw in notes.items()}


def _refused(raw: bytes) -> None:
    try:
        parse_note(raw)
    except FormatError:
        return
    raise AssertionError("a hostile note was read")


def audit(count: int) -> dict[str, Any]:
    """Seconds to audit a whole log in a folder: every entry hashed, every tile compared, the root computed."""
    grown(count)
    start, cpu = time.perf_counter(), time.process_time()
    audit_log(folder_source(WORK / f"log-{count}"), POLICY, int(time.time()), lambda _: None)
    return {"entries": count, "wall_s": _s(time.perf_counter() - start), "cpu_s": _s(time.process_time() - cpu)}


def growth(count: int) -> dict[str, Any]:
    """What one more batch, one more checkpoint and a fresh start cost at a size."""
    grown(count)
    with TemporaryDirectory(dir=WORK) as folder:
        copy = Path(folder) / "log"
        gc.collect()  # closes the index that was just made, so that its files stand still
        shutil.copytree(WORK / f"log-{count}", copy)
        start = time.perf_counter()
        log = open_log(copy)
        log.append([b"first after the start"])
        opened = time.perf_counter() - start
        batches = [_timed(lambda n=n: log.append([b"%d %d" % (n, i) for i in range(256)])) for n in range(40)]
        signed = [_timed(lambda: log.publish(log.sign(KEY, 0))) for _ in range(20)]
        size = sum(f.stat().st_size for f in copy.rglob("*") if f.is_file())
    return {
        "entries": count,
        "open_and_append_ms": _ms(opened),
        "batch_256_ms": _ms(median(batches)),
        "checkpoint_ms": _ms(median(signed)),
        "bytes_an_entry": round(size / count),
    }


def cosigned(turns: int) -> dict[str, Any]:
    """Seconds from an acknowledged append to a published checkpoint with the cosignatures of every side, over HTTP.

    Two sides of three mirrors each, of which two must cosign; a checkpoint every second; appends at odd moments.
    """
    with TemporaryDirectory(dir=WORK) as folder, _coalition(Path(folder)) as policy:
        log, transport = open_log(Path(folder) / "log"), HttpTransport()
        log.append([entry(n) for n in range(1000)])
        waits, gathers = [], []
        for turn in range(turns):
            arrived = []
            tick = time.perf_counter() + 1
            while (now := time.perf_counter()) < tick:
                log.append([entry(1000 + turn * 10_000 + len(arrived))])
                arrived.append(time.perf_counter())
                time.sleep(min(0.037, max(0.0, tick - now)))
            start = time.perf_counter()
            note = log.sign(KEY, int(time.time()))
            found = gather(Tender(note, log.tree.hashes(), log.tree.entries), policy, transport)
            check_note(found.note, policy)
            log.publish(found.note)
            end = time.perf_counter()
            gathers.append(end - start)
            waits += [end - at for at in arrived]
        transport.close()
    return {
        "appends": len(waits),
        "p50_s": _s(median(waits)),
        "p95_s": _s(quantiles(waits, n=100)[94]),
        "gather_p50_ms": _ms(median(gathers)),
        "gather_p95_ms": _ms(quantiles(gathers, n=100)[94]),
    }


@contextmanager
def _coalition(folder: Path) -> Iterator[Policy]:
    """Six mirrors in processes of their own, on every core that this one leaves."""
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0) or os.sched_getaffinity(0)
    servers, lines = [], []
    try:
        for name in ("a1", "a2", "a3", "b1", "b2", "b3"):
            vkey = _tocsin("mirror", "init", folder / name, "--name", name).strip()
            _tocsin("mirror", "add-log", folder / name, KEY[0].key.encode())
            server = subprocess.Popen(
                _command("mirror", "serve", folder / name, "--port", 0), stdout=subprocess.PIPE, text=True
            )
            os.sched_setaffinity(server.pid, others)
            servers.append(server)
            lines.append(f"witness {name} {vkey} {server.stdout.readline().strip()}")  # type: ignore[union-attr]
        rules = "group a 2 a1 a2 a3\ngroup b 2 b1 b2 b3\ngroup both all a b\nquorum both\n"
        yield parse_policy("\n".join([f"log {KEY[0].key.encode()}", *lines, rules]).encode())
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def _tocsin(*arguments: object) -> str:
    return subprocess.run(_command(*arguments), check=True, capture_output=True, text=True).stdout


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _rate(act: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    for n in range(count):
        act(n)
    return round(count / (time.perf_counter() - start), 1)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _s(seconds: float) -> float:
    return round(seconds, 2)


def pieces(quick: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Name what is measured, in order."""
    sizes = (1000, 10_000) if quick else (10_000, 100_000, 1_000_000)
    largest = sizes[-1]
    return {
        "append": lambda: append(2 if quick else 10),
        "made": lambda: {"size": grown(largest).tree.head().size},
        "proofs": lambda: proofs(largest),
        "hostile": hostile,
        "audit": lambda: audit(largest),
        **{f"growth_{size}": lambda size=size: growth(size) for size in sizes},
        "cosigned": lambda: cosigned(3 if quick else 40),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the ledger.")
    parser.add_argument("--quick", action="store_true", help="small sizes: tests the bench itself")
    parser.add_argument("--only", help="measure one piece anew, keep the others")
    parser.add_argument("--core", type=int, default=last_core())
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    if given.piece:
        print(json.dumps(pieces(given.quick)[given.piece]()))
        return 0
    kept = json.loads(RESULT.read_text("utf-8"))["pieces"] if given.only and RESULT.exists() else {}
    for name in [given.only] if given.only else pieces(given.quick):
        command = [sys.executable, __file__, "--piece", name, *(["--quick"] if given.quick else [])]
        cost = run_alone(command, given.core)
        kept[name] = {**cost["said"], "peak_mb": cost["peak_mb"], "load": _load()}
        print(name, kept[name], file=sys.stderr)
    if not given.quick:
        made = time.strftime("%Y-%m-%d", time.gmtime())
        keep(RESULT, {"made": made, "commit": commit(), "machine": machine(), "pieces": kept})
    return 0


if __name__ == "__main__":
    sys.exit(main())
