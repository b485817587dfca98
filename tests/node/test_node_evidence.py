"""What a person reads of a case that was formed from real traffic: its findings, its messages, and nobody else's."""

from collections.abc import Iterator
from typing import Any

import pytest
from node_opened import Loaded, Opened, sample
from starlette.testclient import TestClient

from tocsin.node.app import build_app


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Opened, TestClient, list[dict[str, Any]]]]:
    opened = Opened(tmp_path_factory.mktemp("evidence") / "node", Loaded.load())
    lines = sample(4)
    opened.send(lines)
    opened.settle()
    headers = {"authorization": f"Bearer {opened.token}"}
    yield opened, TestClient(build_app(opened.node), headers=headers), lines
    opened.node.close()


There = tuple[Opened, TestClient, list[dict[str, Any]]]


def accounts_of(opened: Opened, lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        found.setdefault(opened.hash(line["account"]), []).append(line)
    return found


def test_the_findings_of_a_case_are_those_it_was_formed_from(there: There) -> None:
    _, client, _ = there
    listed = client.get("/v1/cases?limit=1000").json()["cases"]
    assert len(listed) > 20
    for case in listed:
        shown = client.get(f"/v1/cases/{case['case_id']}").json()
        rules = {f["rule"] for f in shown["found"] if f["rule"]}
        assert rules == set(case["rules"])
        behaviour = case["findings"] - len(shown["found"])
        assert behaviour >= 0 and shown["found_all"]
        assert all(f["evidence"] is None for f in shown["found"])
        assert shown["excerpt"] is None


def test_messages_are_those_of_the_account_and_of_no_other(there: There) -> None:
    opened, client, lines = there
    own = accounts_of(opened, lines)
    for case in client.get("/v1/cases?limit=5").json()["cases"]:
        (account,) = case["accounts"]
        found = client.get(f"/v1/cases/{case['case_id']}/events?limit=1000").json()["events"]
        assert {e["event_id"] for e in found} == {line["id"] for line in own[account]}
        assert {e["text"] for e in found} == {line["text"] for line in own[account]}
        assert [e["time"] for e in found] == sorted((e["time"] for e in found), reverse=True)
        full = client.get(f"/v1/cases/{case['case_id']}?content=true").json()
        assert any(f["evidence"] for f in full["found"])
        mine = {line["id"] for line in own[account]}
        assert {f["event_id"] for f in full["found"]} <= mine


def test_every_reading_of_messages_is_entered(there: There) -> None:
    _, client, _ = there
    before = client.get("/v1/audit").json()["rows"]
    case = client.get("/v1/cases?limit=1").json()["cases"][0]["case_id"]
    client.get(f"/v1/cases/{case}/events")
    entry, *_ = client.get("/v1/audit").json()["entries"]
    assert (entry["id"], entry["action"], entry["subject"]) == (before + 1, "case.read_events", case)
