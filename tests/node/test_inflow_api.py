"""What /v1/traces and /v1/leads answer."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from otlp_bodies import TALK, call, export, parts
from starlette.testclient import TestClient

from tocsin.node import Node, init_node, open_node
from tocsin.node.app import build_app

BINARY = {"content-type": "application/x-protobuf"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Node, str]]:
    token = init_node(tmp_path / "node").token
    node = open_node(tmp_path / "node")
    yield node, token
    node.close()


def client(node: Node, token: str, **server: int) -> TestClient:
    limits = node.config.server.model_copy(update=server)
    changed = replace(node, config=node.config.model_copy(update={"server": limits}))
    return TestClient(build_app(changed), headers={"authorization": f"Bearer {token}"})


def post(api: TestClient, body: bytes, **headers: str) -> httpx.Response:
    return api.post("/v1/traces", content=body, headers={"content-type": "application/json"} | headers)


def test_answers_to_exporters_are_those_of_otlp(made: tuple[Node, str]) -> None:
    api = client(*made, body_bytes=20_000)
    assert post(api, b"{}").json() == {}
    nameless = {key: value for key, value in call(1).items() if key != "enduser.id"}
    broken = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": "[7]"}
    partial = post(api, export(nameless, broken, {"gen_ai.operation.name": "chat"})).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert [word in partial["errorMessage"] for word in ("not an object", "without content", "enduser.id")] == [
        True
    ] * 3
    packed = gzip.compress(export(call(1)))
    assert post(api, packed, **{"content-encoding": "gzip"}).status_code == 200
    binary = post(api, b"", **BINARY)
    assert ExportTraceServiceResponse.FromString(binary.content) == ExportTraceServiceResponse()
    stats = api.get("/v1/stats").json()
    assert (stats["waiting"], stats["refused"], stats["uncaptured"]) == (4, 1, 1)


def test_what_is_no_export_is_refused_in_its_own_form(made: tuple[Node, str]) -> None:
    api = client(*made, body_bytes=20_000)
    packed = gzip.compress(export(call(1)))
    refused = [
        post(api, b"{}", **{"content-type": "text/plain"}),
        post(api, b"{}", **{"content-encoding": "br"}),
        post(api, b"{"),
        post(api, b"\xff", **BINARY),
        post(api, packed[:-9], **{"content-encoding": "gzip"}),
        post(api, b"plain", **{"content-encoding": "gzip"}),
        post(api, b"x" * 20_001),
        post(api, gzip.compress(b" " * 10_000_000), **{"content-encoding": "gzip"}),
        post(api, b"{}", authorization="Bearer nobody"),
    ]
    assert [answer.status_code for answer in refused] == [415, 415, 400, 400, 400, 400, 413, 413, 401]
    assert refused[3].content[:1] == b"\x12" and refused[3].headers["content-type"] == "application/x-protobuf"


def test_messages_nested_as_deep_as_exporters_nest_them_are_taken(made: tuple[Node, str]) -> None:
    arguments: Any = "leaf"
    for _ in range(8):
        arguments = {"kvlistValue": {"values": [{"key": "inner", "value": _value(arguments)}]}}
    called = [("type", "tool_call"), ("name", "look"), ("arguments", arguments)]
    message = [("role", "assistant"), ("parts", {"arrayValue": {"values": [_pairs(called)]}})]
    body = json.loads(export(call(1)))
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[0]["attributes"][-1]["value"] = {"arrayValue": {"values": [_pairs(message)]}}
    answer = post(client(*made), json.dumps(body).encode())
    assert (answer.status_code, answer.json()) == (200, {})
    assert post(client(*made), b'{"resourceSpans":' + b"[" * 100_000).status_code == 400


def _value(value: Any) -> Any:
    return {"stringValue": value} if isinstance(value, str) else value


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    return {"kvlistValue": {"values": [{"key": key, "value": _value(value)} for key, value in pairs]}}


def test_a_queue_that_is_full_says_when_to_come_back(made: tuple[Node, str]) -> None:
    api = client(*made, most_waiting=1000)
    long = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": parts([("user", f"q{n}") for n in range(1001)])}
    answer = post(api, export(long))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert post(api, export(call(len(TALK) - 1))).status_code == 200


def test_leads_are_imported_listed_and_removed(made: tuple[Node, str]) -> None:
    api = client(*made)
    sheet = "form,value,kind\naccount,acct-17,M02\nnetwork,no number,\n" + "x" * 300_000
    assert api.post("/v1/leads?source=friends", content=sheet).json() == {
        "added": 1,
        "known": 0,
        "skipped": {"a form other than account, network, client, text": 1, "a network that is no AS number": 1},
    }
    (lead,) = api.get("/v1/leads").json()["leads"]
    assert (lead["form"], lead["kind"], lead["source"], lead["looked_back"]) == ("account", "M02", "friends", False)
    assert "acct-17" not in json.dumps(lead)
    braces = "{name}[[[ your parcel waits at the depot until a fee is paid " + "[" * 200
    assert api.post("/v1/leads?source=others&form=text", content=braces).json()["added"] == 1
    assert [len(api.get("/v1/leads", params={"limit": 1}).json()[key]) for key in ("leads", "next")] == [1, 20]
    assert api.delete("/v1/leads?source=others").json() == {"removed": 1}
    assert api.delete(f"/v1/leads/{lead['id']}").json() == {"removed": 1}
    assert api.delete(f"/v1/leads/{lead['id']}").status_code == 404
    assert [api.post(path, content=b"{").status_code for path in ("/v1/leads?source=x", "/v1/leads")] == [400, 422]
