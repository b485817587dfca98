"""A node with cases in it, and its API in this process."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from tocsin.forms import CASES
from tocsin.node import Node, init_node, open_node
from tocsin.node.app import build_app
from tocsin.node.config import NodeConfig, read_config, write_config
from tocsin.node.desk import reopen_grown
from tocsin.node.passwords import Passwords
from tocsin.node.people import OPERATOR
from tocsin.node.stores import cases

START = datetime(2026, 11, 3, 21, 14, tzinfo=UTC)
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "a few plain words"


@dataclass
class Clock:
    """Time that passes when told to."""

    now: float = START.timestamp()

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """A node's API, asked in this process, by whoever a test needs."""

    node: Node
    token: str
    clock: Clock
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.app = build_app(self.node)
        self.app.state.door.passwords = CHEAP
        self.client = TestClient(self.app, client=("127.0.0.1", 1), raise_server_exceptions=False)

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"} | more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)

    def person(self, name: str, *scopes: str) -> str:
        """Let a person in, and log them in; gives their token."""
        self.app.state.door.add_person(OPERATOR, name, scopes or ("read", "decide"), PASSWORD)
        answer = self.client.post("/v1/login", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def program(self, *scopes: str) -> str:
        made = self.ask("POST", "/v1/tokens", json={"name": "program", "scopes": list(scopes)})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def act(self, case: str, what: str, token: str, code: int = 200, **body: Any) -> Any:
        answer = self.ask("POST", f"/v1/cases/{case}/{what}", token, json=body)
        assert answer.status_code == code, answer.text
        return answer.json()

    def form(self, *rows: dict[str, Any]) -> None:
        """Let the casing job's store have these cases."""
        now = self.node.now()
        with self.node.database.writing() as connection:
            cases.store(connection, pa.Table.from_pylist(list(rows), schema=CASES), now)
            reopen_grown(connection, now)


def case(number: int, **different: Any) -> dict[str, Any]:
    """Make up a case; higher numbers weigh less."""
    made = {
        "case_id": f"C-{number:015x}",
        "campaign_id": None,
        "rank": number,
        "kinds": ["M02"],
        "accounts": [f"h:{number:016x}"],
        "sessions": [f"s:{number:016x}"],
        "severity": 3,
        "strength": 0.9 - number / 1000,
        "reach": 1,
        "findings": 4,
        "rules": ["M02.phishing-message"],
        "links": [],
        "first": START,
        "last": START,
        "why_en": "Phishing.",
        "why_zh": "网络钓鱼。",
        "excerpt": "⟦made-up excerpt⟧",
    }
    return made | different


def open_desk(folder: Path, cases_there: int = 3, url: str = "", **sections: Any) -> Iterator[Desk]:
    made = init_node(folder, url)
    settings = folder / "tocsin.toml"
    config = read_config(settings).model_dump() | sections
    settings.write_text(write_config(NodeConfig.model_validate(config)), "utf-8")
    clock = Clock()
    node = open_node(folder, clock)
    desk = Desk(node, made.token, clock)
    desk.form(*(case(n) for n in range(1, cases_there + 1)))
    yield desk
    node.close()
