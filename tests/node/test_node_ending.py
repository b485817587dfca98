"""A node that is told to end while it is busy: what was promised is there, what was not is sent again, and it ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import httpx
import pytest
from node_processes import Servers
from node_service import Service, slices
from test_node_faults import traffic

from tocsin.node.supervise import _Child, end_all

BATCH, CLIENTS = 100, 4
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"
WILLING = "import signal; print(1, flush=True); signal.pause()"


def send_until_it_ends(service: Service, parts: Iterator[list[str]], busy: Event) -> list[str]:
    """Send one after the other until nobody answers; gives what was answered with 200."""
    promised: list[str] = []
    with httpx.Client(base_url=service.client.base_url, headers=service.client.headers, timeout=60) as client:
        for some in parts:
            try:
                answer = client.post("/v1/events", content='{"events": [' + ",".join(some) + "]}")
            except httpx.TransportError:
                return promised
            assert answer.status_code in (200, 429, 503), answer.text
            promised += some if answer.status_code == 200 else []
            if len(promised) >= 3 * BATCH:
                busy.set()
    return promised


@pytest.mark.minutes
def test_what_was_promised_while_it_was_told_to_end_is_there_once(tmp_path: Path, servers: Servers) -> None:
    lines = traffic(20_000)
    service = Service(tmp_path / "node", servers)
    service.start()
    service.send_surely(lines[:1])
    service.settled()  # the worker is at work too by now
    parts, busy = [list(some) for some in slices(lines, BATCH)], Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        dealt = (iter(parts[number::CLIENTS]) for number in range(CLIENTS))
        sending = [pool.submit(send_until_it_ends, service, some, busy) for some in dealt]
        assert busy.wait(60)
        assert service.servers.stop("node") == 0, "it ends, and well, within the patience of the test"
        promised = [line for one in sending for line in one.result()]
    assert 0 < len(promised) < len(lines), "it was told to end in the middle"
    service.start()
    told = service.send_surely(promised)
    assert (told["accepted"], told["duplicates"]) == (0, len(promised))
    stats = service.settled()
    assert stats["waiting"] == stats["failed"] == 0 and stats["events"] >= len(promised)


def child(program: str) -> _Child:
    made = _Child("child", [sys.executable, "-c", program], ())
    made.process = subprocess.Popen(made.command, stdout=subprocess.PIPE)
    assert made.process.stdout and made.process.stdout.readline() == b"1\n"
    return made


def test_all_processes_share_one_time_to_end_in() -> None:
    children = [child(STUBBORN), child(WILLING), child(STUBBORN)]
    moments = count(0.0, 0.05)
    end_all(children, 0.1, lambda: next(moments))
    ended = [one.process.returncode for one in children if one.process]
    assert ended == [-signal.SIGKILL, -signal.SIGTERM, -signal.SIGKILL]
    assert next(moments) == pytest.approx(0.05 * 4), "each was given what was left of the whole"
    end_all(children, 0.1, lambda: 0.0)  # twice does no harm
