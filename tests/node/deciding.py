"""People who decide cases while processes die, a receiver that is told of it, and what must hold in the end."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
from desk_tables import PASSWORD
from fake_receiver import Got, Receiver, Say
from node_processes import run
from node_service import Service

from tocsin.node import OPERATOR, Door, open_node
from tocsin.node.sinks import verify

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


@dataclass
class Deciding:
    """Two people at work on a node, and a receiver that is moody until all is done."""

    service: Service
    seed: int
    cases: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the people and name the receiver, before the node is started."""
        moods, chance = (Say(), Say(), Say(), Say(hang_up=True), Say(500)), random.Random(self.seed)
        self.receiver = Receiver(lambda _got, _count: chance.choice(moods))
        settings = self.service.folder / "tocsin.toml"
        told = f'[[sinks]]\nname = "enforcement"\nurl = "{self.receiver.url}"\nidentifiers = true\n'
        settings.write_text(settings.read_text("utf-8") + "\n" + told, "utf-8")
        for name in ("ada", "ben"):
            _add_person(self.service.folder, name)

    def begin(self, cases: list[str]) -> None:
        """Let them decide these cases, beside whatever else happens."""
        self.cases = cases
        self.people = Person(self.service, "ada"), Person(self.service, "ben")
        self._work = Thread(target=decide_all, args=(self.people, cases, self.done))
        self._work.start()

    def check(self) -> None:
        """All is decided as they wished, and told, and the audit trail is whole."""
        self._work.join(timeout=240)
        assert self.done == self.cases
        self.receiver.answer = lambda _got, _count: Say()
        _delivered(self.service)
        _check_cases(self.people[0], self.cases)
        _check_messages(self.receiver.taken, self.cases, self.service.folder)
        assert "all in their chain" in run("node", "audit", self.service.folder).stderr
        self.receiver.close()


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
