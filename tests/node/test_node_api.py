"""Every refusal has one form, names what is wrong, and never says what it was given."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tocsin.node import Node, init_node, open_node
from tocsin.node.access import SCOPES, new_token
from tocsin.node.app import build_app
from tocsin.node.log_lines import LogLines
from tocsin.node.shield import Shield
from tocsin.node.stores import tokens

SECRET = "words-that-nobody-may-see"
LINE = {"id": "1", "time": "2026-11-01T00:00:00Z", "account": "a", "role": "user", "text": SECRET}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Node, str]]:
    token = init_node(tmp_path / "node").token
    node = open_node(tmp_path / "node")
    yield node, token
    node.close()


def client(node: Node, token: str) -> TestClient:
    return TestClient(build_app(node), headers={"authorization": f"Bearer {token}"})


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert error.keys() == {"message", "hint"} and error["message"]
    assert SECRET not in answer.text
    return str(error["message"])


def test_what_is_not_there_or_not_taken_is_told_in_the_same_form(made: tuple[Node, str]) -> None:
    api = client(*made)
    assert refused(api.get("/v1/nothing"), 404) == "not found"
    assert refused(api.get("/"), 404)
    gone = api.delete("/v1/events")
    assert refused(gone, 405) == "method not allowed" and gone.headers["allow"] == "POST"
    assert refused(api.get("/v1/cases", params={"limit": SECRET}), 422).startswith("query.limit: ")
    assert refused(api.get("/v1/cases", params={"limit": 0}), 422)
    assert refused(api.get(f"/v1/cases/{SECRET}"), 404) == "no such case"
    for body in ("", "[]", '{"events": 1}', f'{{"{SECRET}": []}}', '{"events": ' + "[" * 5000, "\ud800"):
        refused(api.post("/v1/events", content=body.encode("utf-8", "surrogatepass")), 400)


def test_bodies_are_bounded(made: tuple[Node, str]) -> None:
    node, token = made
    limits = node.config.server.model_copy(update={"body_bytes": 2000, "events_a_request": 3})
    api = client(replace(node, config=node.config.model_copy(update={"server": limits})), token)
    assert "2000" in refused(api.post("/v1/events", content=b" " * 10_000_000), 413)
    refused(api.post("/v1/events", content=iter([b"{"] * 3000)), 413)
    assert "limit 3" in refused(api.post("/v1/events", json={"events": [LINE] * 4}), 413)
    deep = {"events": [LINE | {"attributes": json.loads("[" * 400 + "]" * 400)}]}
    assert api.post("/v1/events", json=deep).json()["rejected"]


def test_a_node_that_is_behind_takes_no_more_and_says_when_to_come_back(made: tuple[Node, str]) -> None:
    node, token = made
    limits = node.config.server.model_copy(update={"most_waiting": 3})
    api = client(replace(node, config=node.config.model_copy(update={"server": limits})), token)
    assert api.post("/v1/events", json={"events": [LINE, LINE | {"id": "2"}]}).json()["accepted"] == 2
    full = api.post("/v1/events", json={"events": [LINE | {"id": "3"}, LINE | {"id": "4"}]})
    assert "events wait" in refused(full, 429) and full.headers["retry-after"] == "1"
    assert api.post("/v1/events", json={"events": [LINE | {"id": "3"}]}).json()["accepted"] == 1


def test_a_database_that_is_gone_is_told_and_healthz_answers_still(made: tuple[Node, str]) -> None:
    node, token = made
    api = client(node, token)
    assert api.get("/readyz").status_code == api.get("/v1/stats").status_code == 200
    for name in ("node.db", "node.db-wal", "node.db-shm"):
        (node.home.folder / name).unlink(missing_ok=True)
    node.database.close()
    gone = api.post("/v1/events", json={"events": [LINE]})
    assert "database" in refused(gone, 503) and gone.headers["retry-after"] == "1"
    assert refused(api.get("/readyz"), 503)
    assert api.get("/healthz").status_code == 200


ROUTES = {
    ("POST", "/v1/events"): "ingest",
    ("GET", "/v1/stats"): "read",
    ("GET", "/v1/cases"): "read",
    ("GET", "/v1/cases/C-1"): "read",
    ("GET", "/metrics"): "metrics",
}


def test_each_route_asks_for_its_scope_and_for_no_other(made: tuple[Node, str]) -> None:
    node, _ = made
    given = {}
    with node.database.writing() as connection:
        for scope in SCOPES:
            given[scope] = new_token(node.random)
            tokens.add(connection, given[scope], scope, [scope], node.now(), node.random)
    api = TestClient(build_app(node))
    for (method, path), needed in ROUTES.items():
        assert api.request(method, path).status_code == 401, path
        for scope, token in given.items():
            answer = api.request(method, path, headers={"authorization": f"Bearer {token}"})
            assert (answer.status_code == 403) == (scope != needed), (path, scope, answer.text)
            assert answer.status_code != 401


def test_what_nobody_foresaw_is_500_and_the_log_says_where_but_not_what() -> None:
    said = io.StringIO()
    app = FastAPI()
    app.add_middleware(Shield, lines=LogLines("serve", lambda: 0.0, said))

    @app.get("/")
    def fail() -> None:
        raise KeyError(SECRET)

    refused(TestClient(app).get("/"), 500)
    line = json.loads(said.getvalue())
    assert (line["what"], line["error"]) == ("a request failed", "KeyError")
    assert SECRET not in said.getvalue()


def test_the_document_of_the_api_names_every_refusal(made: tuple[Node, str]) -> None:
    document: dict[str, Any] = build_app(made[0]).openapi()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert {"400", "401", "403", "422", "429", "500", "503"} <= described["responses"].keys(), (path, method)
            assert described["summary"]
    assert "HTTPValidationError" not in json.dumps(document)


@pytest.mark.minutes
def test_the_api_is_as_its_document_says(made: tuple[Node, str]) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    node, token = made
    app = build_app(node)
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    from hypothesis import HealthCheck, settings

    @schema.parametrize()  # type: ignore[untyped-decorator]
    def check(case: Any) -> None: ...

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def one(case: Any) -> None:
            case.call_and_validate(headers={"authorization": f"Bearer {token}"})

        from hypothesis import given

        given(case=operation.as_strategy())(one)()
