"""Measure the check API: `python bench/check.py [--quick] [--seconds S]`; part of `make bench`.

A node of its own is made and served with all its processes on one core; the other core asks it, at planned times. The
result is bench/results/check.json; bench/check_table.py puts it into docs/bench.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from cost import FailedError, keep
from generate import blocks
from openloop import OpenLoop, Told, http, plan, share
from run import commit, machine
from tocsin.flow import Checker, CheckSettings, Message, Request

HERE = Path(__file__).parent
RESULT = HERE / "results" / "check.json"
CACHE = HERE / "kept" / "check-cache"
PROGRAM = "from tocsin.cli.main import main\nmain()"
RATES = (500, 1000, 2000)
CONNECTIONS = 64
TEXTS = 20_000
MOST_CHARACTERS = 8000
TOGETHER = (1, 2, 8, 64)
WARM_SECONDS = 2.0


@dataclass(frozen=True)
class Served:
    """A node that answers, and who may ask it."""

    port: int
    token: str
    pids: tuple[int, ...]


def texts() -> list[dict[str, str]]:
    """Give messages of the bench's ordinary traffic: what gateways would send, misuse among them."""
    table = next(blocks(TEXTS)).slice(0, TEXTS).select(["role", "text"])
    return [{"role": r["role"], "content": r["text"][:MOST_CHARACTERS]} for r in table.to_pylist()]


def bodies(seed: int) -> list[bytes]:
    """Make requests of one to three messages, as a gateway sends the last turns."""
    random, messages = Random(seed), texts()
    made, at = [], 0
    while at < len(messages):
        size = random.choice((1, 1, 1, 2, 2, 3))
        asked = {"account": f"a{random.randrange(5000)}", "session": f"s{at}", "messages": messages[at : at + size]}
        made.append(json.dumps(asked, ensure_ascii=False).encode())
        at += size
    return made


def _alone_on(core: int) -> str:
    """Take a core, and go before all other work on it where that is permitted; say how."""
    os.sched_setaffinity(0, {core})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        return "as any process"
    return "before other work (SCHED_FIFO)"


@contextmanager
def serving(core: int) -> Iterator[Served]:
    """Serve a new node on one core."""
    with TemporaryDirectory() as folder:
        node = Path(folder) / "node"
        made = json.loads(_run("node", "init", str(node), "--json"))
        shutil.rmtree(node / "cache", ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        (node / "cache").symlink_to(CACHE)
        command = [sys.executable, "-c", PROGRAM, "serve", str(node), "--port", "0"]
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: _alone_on(core),  # noqa: PLW1509  no threads run here yet
        )
        try:
            url = _first_url(child)
            _until_it_answers(url, made["token"])
            yield Served(int(url.rpartition(":")[2]), made["token"], tuple(_children(child.pid)))
        finally:
            child.terminate()
            child.wait()


def _run(*arguments: str) -> str:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _first_url(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line.startswith("http://"):
        raise FailedError(f"the node said {line!r}")
    return line.strip()


def _until_it_answers(url: str, token: str) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    for _ in range(600):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{url}/v1/check", body, headers), timeout=60).read()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise FailedError("the node does not answer")


def _children(parent: int) -> Iterator[int]:
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        yield int(pid)


def _spent(pids: Sequence[int]) -> float:
    """Read the processor seconds of processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def asked_at(served: Served, rate: int, seconds: float, requests: Sequence[bytes]) -> dict[str, Any]:
    """Ask at a rate and say how long answers took."""
    loop = OpenLoop("127.0.0.1", served.port, CONNECTIONS)
    try:
        loop.run(plan(rate, WARM_SECONDS, 1), requests)
        before, began = _spent(served.pids), time.perf_counter()
        told = loop.run(plan(rate, seconds, 2), requests)
        took, spent = time.perf_counter() - began, _spent(served.pids) - before
    finally:
        loop.close()
    return _row(rate, told, took, spent)


def _row(rate: int, told: Told, took: float, spent: float) -> dict[str, Any]:
    answers = [json.loads(body) for body in told.bodies]
    together = [a["judged_together"] for a in answers if "judged_together" in a]
    judged = [sum(s["ms"] for s in a["stages"]) for a in answers if "stages" in a]
    ms = {f"p{name}_ms": round(1000 * share(told.latency, part), 3) for name, part in _PARTS.items()}
    return {
        "rate": rate,
        "answered_per_s": round(len(told.latency) / took, 1),
        "requests": len(told.latency),
        **ms,
        "most_ms": round(1000 * max(told.latency), 3),
        "statuses": {str(k): v for k, v in sorted(told.statuses.items())},
        "unanswered": told.unanswered,
        "left_late_p99_ms": round(1000 * share(told.late, 0.99), 3),
        "server_core_share": round(spent / took, 3),
        "us_a_request": round(1e6 * spent / max(1, len(told.latency))),
        "messages_together_mean": round(sum(together) / max(1, len(together)), 2),
        "stages_p50_ms": round(share(judged, 0.5), 3),
        "stages_p99_ms": round(share(judged, 0.99), 3),
        "blocked_or_reviewed": round(sum(a.get("verdict") != "allow" for a in answers) / max(1, len(answers)), 4),
        "load": round(os.getloadavg()[0], 2),
    }


_PARTS = {"50": 0.5, "90": 0.9, "99": 0.99, "999": 0.999}


def alone(seconds: float) -> list[dict[str, Any]]:
    """Measure the checker without a server: microseconds of processor for batches of some sizes."""
    checker = Checker.load(CheckSettings(cache=CACHE), time.perf_counter)
    requests = [Request((Message(m["role"], m["content"]),)) for m in texts()]
    rows = []
    for size in TOGETHER:
        batches = [requests[at : at + size] for at in range(0, len(requests) - size, size)]
        done, began = 0, time.process_time()
        while time.process_time() - began < seconds:
            checker.check(batches[done % len(batches)])
            done += 1
        spent = time.process_time() - began
        rows.append(
            {
                "together": size,
                "us_a_batch": round(1e6 * spent / done),
                "us_a_message": round(1e6 * spent / done / size),
            }
        )
    return rows


def measure(rates: Sequence[int], seconds: float) -> dict[str, Any]:
    """Measure all."""
    cores = sorted(os.sched_getaffinity(0))
    scheduled = _alone_on(cores[-1])
    checker, requests = alone(min(2.0, seconds)), bodies(3)
    with serving(cores[0]) as served:
        sent = [http("/v1/check", body, served.token) for body in requests]
        rows = [asked_at(served, rate, seconds, sent) for rate in rates]
    size = sum(map(len, requests)) / len(requests)
    return {
        "made": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "seconds": seconds,
        "connections": CONNECTIONS,
        "scheduled": scheduled,
        "bytes_a_request": round(size),
        "rates": rows,
        "checker": checker,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="at each rate")
    parser.add_argument("--rates", type=int, nargs="*", default=list(RATES))
    parser.add_argument("--quick", action="store_true", help="a second at each rate, and nothing is kept")
    given = parser.parse_args()
    result = measure(given.rates, 1.0 if given.quick else given.seconds)
    for row in result["rates"]:
        print(json.dumps(row), file=sys.stderr)
    if given.quick:
        print(json.dumps(result))
    else:
        keep(RESULT, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
