"""Leads in a running node: hints at cases, for what comes and for what came, and gone when they are removed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_processes import Servers, run_here
from node_service import Service, _pause

from tocsin.traffic.sample import build_sample


@pytest.fixture
def service(tmp_path: Path, servers: Servers) -> Iterator[Service]:
    made = Service(tmp_path / "node", servers)
    made.start()
    yield made
    made.client.close()


def hints(service: Service, count: int) -> dict[str, list[dict[str, Any]]]:
    """The leads of each case, once as many cases have some."""
    for _ in range(120):
        found = {case["case_id"]: case["leads"] for case in service.cases() if case["leads"]}
        if len(found) >= count:
            return found
        _pause()
    raise AssertionError(found)


@pytest.mark.minutes
def test_leads_hint_at_cases_and_change_nothing_else(service: Service, tmp_path: Path) -> None:
    events = list(build_sample().events)
    lured = next(event for event in events if "Quillpost" in event["text"] and event["role"] == "user")
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    half = len(lines) // 2
    service.send_surely(lines[:half])
    service.settled()
    sheet = tmp_path / "leads.csv"
    sheet.write_text(
        f"form,value,kind,note\naccount,{lured['account']},M02,seen elsewhere\nnetwork,no number,,\n", "utf-8"
    )
    told = json.loads(run_here("node", "import", sheet, service.folder, "--source", "friends", "--json"))
    assert told == {"added": 1, "known": 0, "skipped": {"a network that is no AS number": 1}}
    clients = sorted({event["client"] for event in events if event.get("client")})
    answer = service.client.post("/v1/leads?source=others&form=client", content="\n".join(clients))
    assert answer.json() == {"added": len(clients), "known": 0, "skipped": {}}
    service.send_surely(lines[half:])
    service.settled()
    found = hints(service, 2)
    assert any(
        hint["source"] == "friends" and hint["note"] == "seen elsewhere" for some in found.values() for hint in some
    )
    assert lured["account"] not in json.dumps(service.get("/v1/leads", limit=1000))
    page = service.get("/v1/leads", source="others", limit=1000)
    assert [lead["looked_back"] for lead in page["leads"]] == [True] * len(clients)
    sent = sum(1 for event in events if event.get("client"))
    assert sum(lead["events"] for lead in page["leads"]) == sent, "each event once, before the import and after it"
    assert service.client.delete("/v1/leads?source=others").json() == {"removed": len(clients)}
    (friend,) = service.get("/v1/leads")["leads"]
    assert service.client.delete(f"/v1/leads/{friend['id']}").json() == {"removed": 1}
    assert service.client.delete(f"/v1/leads/{friend['id']}").status_code == 404
    assert not any(case["leads"] for case in service.cases())
    assert service.client.post("/v1/leads?source=x", content=b"{").status_code == 400
    assert service.client.post("/v1/leads", content=b"{}").status_code == 422


@pytest.mark.minutes
def test_a_lead_has_a_check_reviewed_and_never_blocked(service: Service) -> None:
    asked = {"account": "acct-17", "messages": [{"role": "user", "content": "How do I bake rye bread at home?"}]}
    plain = service.client.post("/v1/check", json=asked).json()
    assert (plain["verdict"], plain["leads"]) == ("allow", [])
    service.client.post("/v1/leads?source=friends&form=account", content="acct-17")
    template = "How do I bake {kind} bread at home without an oven"
    service.client.post("/v1/leads?source=others&form=text", content=template)
    for _ in range(120):
        led = service.client.post("/v1/check", json=asked).json()
        if led["leads"]:
            break
        _pause()
    assert (led["verdict"], led["clauses"], led["score"]) == ("review", ["lead"], plain["score"])
    assert [(lead["form"], lead["kind"], lead["source"]) for lead in led["leads"]] == [
        ("account", "L-x-lead", "friends")
    ]
    asked["messages"][0]["content"] = "how do i BAKE wholegrain bread at home without an oven?"
    both = service.client.post("/v1/check", json=asked).json()
    assert {lead["form"] for lead in both["leads"]} == {"account", "text"} and both["verdict"] == "review"
