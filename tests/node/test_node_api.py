"""Every refusal has one form, names what is wrong, and never says what it was given."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tocsin.node import Node, init_node, open_node
from tocsin.node.app import build_app
from tocsin.node.log_lines import LogLines
from tocsin.node.shield import Shield

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


def test_what_is_refused_of_a_batch_is_told_by_its_place(made: tuple[Node, str]) -> None:
    lines = [json.dumps(LINE), '{"id": "x"}', json.dumps(LINE), f'"{SECRET}"', json.dumps(LINE | {"id": "2"})]
    answer = client(*made).post("/v1/events", content='{"events": [' + ",".join(lines) + "]}")
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 2,
        "duplicates": 1,
        "rejected": [{"index": 1, "reason": "time is missing"}, {"index": 3, "reason": "not a JSON object"}],
    }


def test_bodies_are_bounded(made: tuple[Node, str]) -> None:
    node, token = made
    limits = node.config.server.model_copy(update={"body_bytes": 4000, "events_a_request": 3})
    api = client(replace(node, config=node.config.model_copy(update={"server": limits})), token)
    assert "4000" in refused(api.post("/v1/events", content=b" " * 10_000_000), 413)
    refused(api.post("/v1/events", content=iter([b"{"] * 5000)), 413)
    assert "limit 3" in refused(api.post("/v1/events", json={"events": [LINE] * 4}), 413)
    deep = {"events": [LINE | {"attributes": json.loads("[" * 400 + "]" * 400)}]}
    refused(api.post("/v1/events", json=deep), 400)


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
