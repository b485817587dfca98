"""Traffic sent to a node while its processes are killed gives each case once, as `tocsin screen` gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from node_processes import Servers, run_here
from node_service import Service, slices

from tocsin.traffic.sample import build_sample

SAME = ("case_id", "campaign_id", "accounts", "sessions", "kinds", "severity", "strength", "reach", "findings", "rules")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The shipped sample: 7,818 events with six planted campaigns."""
    return [json.dumps(event, ensure_ascii=False) for event in build_sample().events]


@pytest.fixture
def service(tmp_path: Path, servers: Servers) -> Iterator[Service]:
    made = Service(tmp_path / "node", servers)
    made.start()
    yield made
    made.client.close()


def screened(folder: Path, lines: list[str], key: Path) -> list[dict[str, Any]]:
    """What the command says of the same events."""
    folder.mkdir()
    (folder / "traffic.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    run_here("screen", folder / "traffic.jsonl", "--out", folder / "run", "--id-key", key)
    found: list[dict[str, Any]] = pq.read_table(folder / "run" / "cases.parquet").to_pylist()
    return found


def test_a_campaign_sent_across_kills_forms_each_case_once(service: Service, lines: list[str], tmp_path: Path) -> None:
    expected = screened(tmp_path / "plain", lines, service.folder / "keys" / "identity")
    for n, some in enumerate(slices(lines, 1000)):
        told = service.send_surely(some)
        assert told["accepted"] + told["duplicates"] == len(some)
        if n in (2, 5):
            service.kill("work" if n == 2 else "serve")
    stats = service.settled()
    assert stats["events"] == len(lines)
    found = service.cases()
    assert [{name: case[name] for name in SAME} for case in found] == [
        {name: case[name] for name in SAME} for case in expected
    ], "the same cases, in the same order"
    again = service.send_surely(lines[:1000])
    assert (again["accepted"], again["duplicates"]) == (0, 1000)
    assert service.servers.stop("node") == 0, "a node that is told to end ends well"


def test_what_is_refused_is_told_and_nothing_of_it_is_kept(service: Service, lines: list[str]) -> None:
    answer = service.send([lines[0], '{"id": "x"}', lines[0], '"text"', lines[1]])
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 2,
        "duplicates": 1,
        "rejected": [{"index": 1, "reason": "time is missing"}, {"index": 3, "reason": "not a JSON object"}],
    }
    bare = httpx.Client(base_url=str(service.client.base_url))
    assert bare.get("/healthz").status_code == bare.get("/readyz").status_code == 200
    for path in ("/v1/stats", "/v1/cases", "/metrics"):
        assert bare.get(path).status_code == 401
        assert bare.get(path, headers={"authorization": "Bearer nobody"}).status_code == 401
    assert bare.post("/v1/events", content="{}").status_code == 401
    assert service.client.post("/v1/events", content="[]").status_code == 400
    assert "tocsin_events_screened 2.0" in _until_screened(service)


def _until_screened(service: Service) -> str:
    service.settled()
    return service.client.get("/metrics").text
