"""Whatever dies, fills up or goes away, no event is lost or counted twice, and the cases are those of the command."""

import json
import os
import random
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deciding import Deciding
from node_databases import can_run, postgres
from node_processes import Servers
from node_service import Service, slices
from test_node_campaign import same, screened

from tocsin.traffic.sample import build_sample

BATCH = 500
SHARE_KILLED = 0.3  # of the requests
DECIDED = 8_000  # events whose cases are decided while the others come in


def traffic(count: int) -> list[str]:
    """So many events: the shipped sample again and again, each time by other accounts a month later."""
    once = [json.loads(json.dumps(event, ensure_ascii=False)) for event in build_sample().events]
    found: list[str] = []
    for turn in range(-(-count // len(once))):
        found += [json.dumps(_moved(event, turn), ensure_ascii=False) for event in once]
    return found[:count]


def _moved(event: dict[str, Any], turn: int) -> dict[str, Any]:
    named = {name: f"{event[name]}-{turn}" for name in ("id", "account", "session", "device") if event.get(name)}
    time = datetime.fromisoformat(event["time"]) + timedelta(days=30 * turn)
    return event | named | {"time": time.isoformat()}


def send_all(services: Sequence[Service], lines: list[str]) -> int:
    """Send from as many clients as there are nodes; gives how many were new."""

    def one(number: int) -> int:
        mine = list(slices(lines, BATCH))[number :: len(services)]
        told = [services[number].send_surely(some) for some in mine]
        assert all(t["accepted"] + t["duplicates"] == len(some) for t, some in zip(told, mine, strict=True))
        return sum(t["accepted"] for t in told)

    with ThreadPoolExecutor(len(services)) as pool:
        return sum(pool.map(one, range(len(services))))


def send_across_kills(service: Service, lines: list[str], chance: random.Random) -> int:
    """Send, and now and then let a process be killed while a request is under way; gives how many were killed."""
    kills = 0
    for some in slices(lines, BATCH):
        killing = None
        if chance.random() < SHARE_KILLED:
            killing = threading.Timer(chance.uniform(0, 0.3), service.kill, [chance.choice(["serve", "work"])])
            killing.start()
            kills += 1
        told = service.send_surely(some)
        assert told["accepted"] + told["duplicates"] == len(some)
        if killing:
            killing.join()
    service.send_surely(lines[:1])  # whoever was killed last is back
    return kills


def by_name(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order by name: decided cases go behind in the queue of a node."""
    return sorted(cases, key=lambda case: str(case["case_id"]))


def kill_while_screening(service: Service, times: int) -> int:
    """Kill the worker each time it has got a little further."""
    for turn in range(times):
        before = service.get("/v1/stats")
        if not before["waiting"]:
            return turn
        while service.get("/v1/stats")["events"] == before["events"]:
            threading.Event().wait(0.2)
        service.kill("work")
    return times


def check(service: Service, lines: list[str], folder: Path) -> None:
    stats = service.settled(patience=2000)
    assert (stats["events"], stats["waiting"], stats["failed"]) == (len(lines), 0, 0)
    expected = screened(folder, lines, service.folder / "keys" / "identity")
    assert same(by_name(service.cases())) == same(by_name(expected))


@pytest.mark.minutes
def test_kills_at_random_lose_nothing_and_count_nothing_twice(tmp_path: Path, servers: Servers) -> None:
    lines = traffic(8_000)
    service = Service(tmp_path / "node", servers)
    service.start()
    assert send_across_kills(service, lines, random.Random(5)) + kill_while_screening(service, 10) > 3
    check(service, lines, tmp_path / "plain")


@pytest.mark.soak
@pytest.mark.parametrize("seed", [5, 6])
def test_a_long_ingest_with_kills_leaves_events_decisions_and_webhooks_whole(
    seed: int, tmp_path: Path, servers: Servers
) -> None:
    lines = traffic(100_000)
    service = Service(tmp_path / "node", servers)
    deciding = Deciding(service, seed)
    service.start()
    send_all([service], lines[:DECIDED])
    service.settled()
    deciding.begin([case["case_id"] for case in service.cases()][:300])
    kills = send_across_kills(service, lines[DECIDED:], random.Random(seed)) + kill_while_screening(service, 10)
    print(f"{kills} kills while {len(lines)} events came in and {len(deciding.done)} cases were decided")  # noqa: T201
    deciding.check()
    check(service, lines, tmp_path / "plain")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.minutes
def test_a_full_disk_refuses_and_when_there_is_room_again_all_goes_on(
    small_disk: Path, tmp_path: Path, servers: Servers
) -> None:
    lines = traffic(8_000)
    service = Service(small_disk / "node", servers)
    service.start()
    assert service.send(lines[:BATCH]).status_code == 200
    room = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - (256 << 10)))
    refused, sent = [], BATCH
    for some in slices(lines[BATCH:], BATCH):
        answer = service.send(some)
        if answer.status_code != 200:
            refused.append(answer)
            break
        sent += len(some)
    assert refused, "the disk is not full yet"
    assert refused[0].status_code == 503 and "room" in refused[0].json()["error"]["hint"]
    assert service.client.get("/healthz").status_code == 200
    (small_disk / "filler").unlink()
    assert send_all([service], lines) == len(lines) - sent
    check(service, lines, tmp_path / "plain")


@pytest.mark.minutes
@pytest.mark.skipif(not can_run(), reason="PostgreSQL is not installed")
def test_two_nodes_on_one_database_that_dies_and_comes_back(tmp_path: Path, servers: Servers) -> None:
    lines = traffic(8_000)
    with postgres(durable=True) as server:
        first = Service(tmp_path / "first", servers, db=server.database(), name="first")
        second = first.beside("second")
        nodes = [first, second]
        for node in nodes:
            node.start()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send_all, nodes, lines[: len(lines) // 2])
            threading.Event().wait(1.5)
            server.stop("immediate")  # as a power cut would end it
            assert first.client.get("/healthz").status_code == 200
            assert first.client.get("/readyz").status_code == 503
            second.kill("work")
            server.start()
            sending.result()
        send_all(nodes, lines)  # half of it again
        check(first, lines, tmp_path / "plain")
        assert same(second.cases()) == same(first.cases())
        servers.stop_all()
