"""Decisions are made and delivered while server and worker are killed at random: none is lost or doubled."""

import json
import random
from collections import defaultdict
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
from desk_tables import PASSWORD
from fake_receiver import Got, Receiver, Say
from node_processes import Servers, run
from node_service import Service, slices

from tocsin.node import OPERATOR, Door, open_node
from tocsin.node.sinks import verify
from tocsin.traffic.sample import build_sample

pytestmark = pytest.mark.minutes
KILLS = 10
PATIENCE = 400


class Person:
    """Somebody who decides, and asks again until they have an answer."""

    def __init__(self, service: Service, name: str) -> None:
        self.service, self.name = service, name
        self.token = self._surely("POST", "/v1/login", {"name": name, "password": PASSWORD}, "")["token"]

    def _surely(self, method: str, path: str, body: Any, token: str) -> Any:
        for _ in range(PATIENCE):
            try:
                headers = {"authorization": f"Bearer {token}"} if token else {}
                answer = self.service.client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                Event().wait(0.1)
                continue
            if answer.status_code == 503:
                Event().wait(0.1)
                continue
            return answer.json() | {"code": answer.status_code}
        raise AssertionError(f"no answer to {path}")

    def case(self, case: str) -> Any:
        return self._surely("GET", f"/v1/cases/{case}", None, self.token)

    def do(self, case: str, what: str, after: int, **body: Any) -> None:
        """Act once, whatever becomes of the answer: where it was done already, `after` refuses a second time."""
        answer = self._surely("POST", f"/v1/cases/{case}/{what}", body | {"after": after}, self.token)
        assert answer["code"] in (200, 409), answer


def decide_all(people: tuple[Person, Person], cases: list[str], done: list[str]) -> None:
    """Ban, warn or dismiss each case; of every third, take it back and decide anew."""
    first, second = people
    for n, case in enumerate(cases):
        first.do(case, "decision", 0, effect=("ban", "warn", "dismiss")[n % 3], reason="confirmed")
        if n % 3 == 0:
            second.do(case, "approve", 1, decision=1)
        if n % 3 == 1:
            second.do(case, "undo", 1, decision=1, reason="mistake")
            first.do(case, "decision", 2, effect="limit", reason="repeated")
        done.append(case)


def test_no_webhook_is_lost_and_decisions_are_intact_across_kills(tmp_path: Path, servers: Servers) -> None:
    chance = random.Random(5)
    receiver = Receiver(lambda _got, _count: chance.choice((Say(), Say(), Say(), Say(hang_up=True), Say(500))))
    service = Service(tmp_path / "node", servers)
    settings = service.folder / "tocsin.toml"
    told = f'[[sinks]]\nname = "enforcement"\nurl = "{receiver.url}"\nidentifiers = true\n'
    settings.write_text(settings.read_text("utf-8") + "\n" + told, "utf-8")
    for name in ("ada", "ben"):
        _add_person(service.folder, name)
    service.start()
    lines = [json.dumps(event, ensure_ascii=False) for event in build_sample().events]
    for some in slices(lines, 2000):
        service.send_surely(some)
    service.settled()
    cases = [case["case_id"] for case in service.cases()][:60]
    people, done = (Person(service, "ada"), Person(service, "ben")), list[str]()
    deciding = Thread(target=decide_all, args=(people, cases, done))
    deciding.start()
    for n in range(KILLS):
        while len(done) < n * len(cases) // KILLS:
            Event().wait(0.01)
        service.kill(chance.choice(("serve", "work")))
    deciding.join(timeout=240)
    assert done == cases
    receiver.answer = lambda _got, _count: Say()
    _delivered(service)
    _check_cases(people[0], cases)
    _check_messages(receiver.got, cases, service.folder)
    assert "all in their chain" in run("node", "audit", service.folder).stderr
    receiver.close()


def _add_person(folder: Path, name: str) -> None:
    node = open_node(folder)
    Door(node).add_person(OPERATOR, name, ("read", "decide"), PASSWORD)
    node.close()


def _delivered(service: Service) -> None:
    """Wait until nothing waits; what rests is woken, as time would."""
    for _ in range(PATIENCE):
        try:
            waiting = service.get("/v1/outbox", state="waiting", limit=1000)["messages"]
        except httpx.TransportError:
            waiting = [None]
        if not waiting:
            return
        Event().wait(0.5)
    raise AssertionError(f"{len(waiting)} messages still wait")


def _check_cases(person: Person, cases: list[str]) -> None:
    """Every act is there once, in its order, and the case stands as its acts say."""
    expected = {
        0: (["decide", "approve"], "ban"),
        1: (["decide", "undo", "decide"], "limit"),
        2: (["decide"], "dismiss"),
    }
    for n, case in enumerate(cases):
        shown = person.case(case)
        sorts, effect = expected[n % 3]
        assert ([act["sort"] for act in shown["acts"]], shown["effect"]) == (sorts, effect)
        assert [act["number"] for act in shown["acts"]] == list(range(1, len(sorts) + 1))


def _check_messages(got: list[Got], cases: list[str], folder: Path) -> None:
    """Every change was told at least once, signed; what is told first keeps the case's order."""
    key = bytes.fromhex((folder / "keys" / "webhook").read_text().strip())
    told: dict[str, list[int]] = defaultdict(list)
    for one in got:
        seconds, name = int(one.headers["webhook-timestamp"]), one.headers["webhook-id"]
        assert verify(key, name, seconds, one.body, one.headers["webhook-signature"], seconds)
        case, sequence = one.json["data"]["case"], one.json["data"]["sequence"]
        if sequence not in told[case]:
            told[case].append(sequence)
    expected = {0: [2], 1: [1, 2, 3], 2: [1]}
    assert told == {case: expected[n % 3] for n, case in enumerate(cases)}
