"""Traffic sent to a node while its processes are killed gives each case once, as `tocsin screen` gives it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def same(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What node and command must say alike."""
    return [{name: case[name] for name in SAME} for case in cases]


def test_a_campaign_sent_across_kills_forms_each_case_once(service: Service, lines: list[str], tmp_path: Path) -> None:
    lines = lines[::6]
    expected = screened(tmp_path / "plain", lines, service.folder / "keys" / "identity")
    for n, some in enumerate(slices(lines, 300)):
        told = service.send_surely(some)
        assert told["accepted"] + told["duplicates"] == len(some)
        if n == 1:
            service.kill("work")
            service.kill("serve")
    stats = service.settled()
    assert stats["events"] == len(lines)
    found = service.cases()
    assert found and same(found) == same(expected), "the same cases, in the same order"
    again = service.send_surely(lines[:500])
    assert (again["accepted"], again["duplicates"]) == (0, 500)

    assert f"tocsin_events_screened {len(lines)}.0" in service.client.get("/metrics").text
    assert service.servers.stop("node") == 0, "a node that is told to end ends well"
