"""Decisions reach a receiver that fails, dawdles, dies or changes: each at least once, none out of its case's order."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from desk_tables import Desk, open_desk
from fake_receiver import Got, Receiver, Say

from tocsin.cases import Effect
from tocsin.node.jobs.delivering import AT_ONCE, Delivering
from tocsin.node.log_lines import LogLines
from tocsin.node.sinks import SINKS, verify

ONE, TWO, THREE = (f"C-{n:015x}" for n in (1, 2, 3))
HOUR = 3600


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def sink(url: str, name: str = "enforcement", **more: Any) -> dict[str, Any]:
    return {"name": name, "url": url, "identifiers": True} | more


def job(desk: Desk, seconds: float = 5.0) -> Delivering:
    return Delivering("worker", {}, LogLines("test", desk.clock, StringIO()), seconds)


def outbox(desk: Desk, **query: str) -> list[dict[str, Any]]:
    return list(desk.ask("GET", "/v1/outbox", params=query).json()["messages"])


def warn(desk: Desk, *cases: str) -> None:
    for case in cases:
        desk.act(case, "decision", desk.token, effect="warn", reason="confirmed")


def deliver(desk: Desk, until: float = 72 * HOUR, step: float = 30.0) -> None:
    """Let time pass and the job run until nothing waits."""
    ends = desk.clock.now + until
    running = job(desk)
    while desk.clock.now < ends:
        while running.run(desk.node):
            pass
        if not outbox(desk, state="waiting"):
            return
        desk.clock.now += step
        step = min(step * 1.5, HOUR)


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Iterator[Desk]:
    yield from open_desk(tmp_path / "node", sinks=(sink(receiver.url),))


def test_a_decision_is_told_signed_once_and_without_content(desk: Desk, receiver: Receiver) -> None:
    desk.act(ONE, "decision", desk.token, effect="warn", reason="confirmed", note="a quote from the text")
    assert job(desk).run(desk.node)
    assert not job(desk).run(desk.node)
    (got,) = receiver.got
    signed = (got.headers["webhook-id"], int(got.headers["webhook-timestamp"]), got.body)
    assert verify(desk.node.keys.webhook, *signed, got.headers["webhook-signature"], int(desk.clock.now))
    assert got.json["type"] == "decision.made"
    assert got.json["data"]["effect"] == "warn"
    assert got.json["data"]["accounts"] == ["h:0000000000000001"]
    assert b"quote" not in got.body and "⟦".encode() not in got.body
    assert [m["state"] for m in outbox(desk)] == ["sent"]


def test_a_decision_that_is_not_stored_is_not_told(desk: Desk, receiver: Receiver) -> None:
    desk.act(ONE, "decision", desk.token, 422, effect="warn")
    desk.act(ONE, "undo", desk.token, 409, decision=1, reason="mistake")
    assert not job(desk).run(desk.node)
    assert outbox(desk) == []


@pytest.mark.parametrize(
    "trouble",
    [Say(500), Say(503), Say(429), Say(302, headers=(("location", "/elsewhere"),)), Say(400), Say(hang_up=True)],
    ids=["500", "503", "429", "redirect", "400", "hang-up"],
)
def test_trouble_passes_and_each_message_arrives(desk: Desk, receiver: Receiver, trouble: Say) -> None:
    receiver.answer = lambda _got, count: trouble if count < 3 else Say()
    warn(desk, ONE, TWO, THREE)
    deliver(desk)
    assert {m["state"] for m in outbox(desk)} == {"sent"}
    assert {got.json["data"]["case"] for got in receiver.got[3:]} == {ONE, TWO, THREE}
    assert all(got.path == "/in" for got in receiver.got)


def test_every_try_carries_the_same_id(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _got, count: Say(500) if count < 4 else Say()
    warn(desk, ONE)
    deliver(desk)
    assert len(receiver.got) == 5
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == 5


def test_a_receiver_that_dawdles_is_left_after_a_while(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _got, count: Say(dawdle=count == 0)
    warn(desk, ONE)
    job(desk, seconds=0.2).run(desk.node)
    (waiting,) = outbox(desk)
    assert (waiting["state"], waiting["problem"]) == ("waiting", "no answer within 0.2 seconds")
    deliver(desk)
    assert [m["state"] for m in outbox(desk)] == ["sent"]


def test_nobody_listens_and_then_somebody_does(desk: Desk, receiver: Receiver, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/in"
    for other in open_desk(tmp_path / "other", sinks=(sink(closed), sink(receiver.url, "second"))):
        warn(other, ONE, TWO)
        job(other).run(other.node)
        states = {(m["sink"], m["state"], m["tries"]) for m in outbox(other)}
        assert ("second", "sent", 1) in states, "one that does not answer holds up no other"
        assert {s for s in states if s[0] == "enforcement"} == {
            ("enforcement", "waiting", 0),
            ("enforcement", "waiting", 1),
        }, "after one failure the receiver is left alone"


def test_acts_on_a_case_arrive_in_their_order(desk: Desk, receiver: Receiver) -> None:
    """A ban that is late must not follow its own undoing."""
    refused = 0

    def answer(got: Got, _count: int) -> Say:
        nonlocal refused
        if got.json["data"]["case"] == ONE and got.json["type"] == "decision.made" and refused < 2:
            refused += 1
            return Say(400)
        return Say()

    receiver.answer = answer
    made = desk.act(ONE, "decision", desk.token, effect="warn", reason="confirmed")
    desk.act(ONE, "undo", desk.token, decision=made["in_force"][0]["decision"], reason="mistake")
    warn(desk, TWO)
    job(desk).run(desk.node)
    assert [got.json["data"]["case"] for got in receiver.got] == [ONE, TWO], "other cases do not wait"
    deliver(desk)
    told = [(g.json["type"], g.json["data"]["sequence"]) for g in receiver.got if g.json["data"]["case"] == ONE]
    assert told == [("decision.made", 1), ("decision.made", 1), ("decision.made", 1), ("decision.undone", 2)]


def test_what_is_never_taken_is_given_up_shown_and_can_be_tried_again(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _got, _count: Say(403)
    warn(desk, ONE)
    deliver(desk, until=200 * HOUR)
    (dead,) = outbox(desk, state="dead")
    assert dead["problem"] == "refused with 403"
    assert 10 < dead["tries"] < 100
    assert "tocsin_outbox_dead 1.0" in desk.ask("GET", "/metrics").text
    receiver.answer = lambda _got, _count: Say()
    assert desk.ask("POST", f"/v1/outbox/{dead['id']}/retry").status_code == 204
    assert desk.ask("POST", f"/v1/outbox/{dead['id']}/retry").status_code == 404
    deliver(desk)
    assert [m["state"] for m in outbox(desk)] == ["sent"]
    assert desk.ask("GET", "/v1/audit", params={"action": "outbox.retry"}).json()["entries"][0]["subject"] == str(
        dead["id"]
    )


def test_gone_means_gone(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _got, _count: Say(410)
    warn(desk, ONE)
    job(desk).run(desk.node)
    assert [m["state"] for m in outbox(desk)] == ["dead"]
    assert len(receiver.got) == 1


def test_a_receiver_that_asks_for_time_gets_it(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = lambda _got, count: Say(503, headers=(("retry-after", "900"),)) if count == 0 else Say()
    warn(desk, ONE, TWO)
    job(desk).run(desk.node)
    desk.clock.now += 899
    assert not job(desk).run(desk.node)
    desk.clock.now += 2
    assert job(desk).run(desk.node)
    assert [m["state"] for m in outbox(desk)] == ["sent", "sent"]


def test_a_sink_hears_what_it_asked_for(tmp_path: Path, receiver: Receiver) -> None:
    sinks = (
        sink(receiver.url, "bans", effects=("ban",), identifiers=False),
        sink(receiver.url, "desk", on=("decision.proposed", "appeal.received")),
    )
    for desk in open_desk(tmp_path / "node", sinks=sinks):
        ada, ben = desk.person("ada"), desk.person("ben")
        warn(desk, TWO)
        proposed = desk.act(ONE, "decision", ada, effect="ban", reason="confirmed")
        banned = desk.act(ONE, "approve", ben, decision=proposed["proposed"]["decision"])
        number = banned["in_force"][0]["decision"]
        desk.act(ONE, "appeal", ada, decision=number)
        desk.act(ONE, "undo", ada, decision=number, reason="mistake")
        assert [(m["sink"], m["subject"]) for m in reversed(outbox(desk))] == [
            ("desk", ONE),
            ("bans", ONE),
            ("desk", ONE),
            ("bans", ONE),
        ]
        job(desk).run(desk.node)
        told = {(g.json["type"], g.json["data"]["effect"], g.json["data"]["people"]) for g in receiver.got}
        assert told == {
            ("decision.proposed", "ban", 1),
            ("decision.made", "ban", 2),
            ("appeal.received", "ban", 0),
            ("decision.undone", None, 1),
        }
        assert {"accounts" in g.json["data"] for g in receiver.got if g.json["type"].startswith("decision.m")} == {
            False
        }


def test_a_sink_that_left_the_settings_leaves_its_messages_where_they_are_seen(tmp_path: Path) -> None:
    for desk in open_desk(tmp_path / "node", sinks=(sink("http://127.0.0.1:9/in", "old"),)):
        warn(desk, ONE)
        bare = replace(desk.node, config=desk.node.config.model_copy(update={"sinks": ()}))
        job(desk).run(bare)
        assert [(m["state"], m["problem"]) for m in outbox(desk)] == [("dead", "the settings name no such sink")]


def test_a_secret_that_is_missing_is_told_and_holds_up_nobody(tmp_path: Path, receiver: Receiver) -> None:
    sinks = (sink(receiver.url, "broken", secret="keys/nothing"), sink(receiver.url, "fine"))
    for desk in open_desk(tmp_path / "node", sinks=sinks):
        warn(desk, ONE)
        said = StringIO()
        running = Delivering("worker", {}, LogLines("test", desk.clock, said))
        assert running.run(desk.node)
        assert {(m["sink"], m["state"]) for m in outbox(desk)} == {("broken", "waiting"), ("fine", "sent")}
        line = json.loads(said.getvalue())
        assert (line["sink"], line["why"]) == ("broken", "the secret of sink 'broken' cannot be read")
        assert not running.run(desk.node), "it rests, and is not asked for in a circle"


def test_one_worker_at_a_time_tells_a_sink(desk: Desk, receiver: Receiver) -> None:
    warn(desk, ONE)
    other = Delivering("other", {}, LogLines("test", desk.clock, StringIO()))
    receiver.answer = lambda _got, _count: Say(400)
    assert job(desk).run(desk.node)
    desk.clock.now += 30
    assert not other.run(desk.node)
    desk.clock.now += 61
    receiver.answer = lambda _got, _count: Say()
    assert other.run(desk.node)


def test_many_messages_are_sent_in_several_rounds(tmp_path: Path, receiver: Receiver) -> None:
    for desk in open_desk(tmp_path / "node", cases_there=AT_ONCE + 5, sinks=(sink(receiver.url),)):
        warn(desk, *(f"C-{n:015x}" for n in range(1, AT_ONCE + 6)))
        running = job(desk)
        running.run(desk.node)
        assert len(receiver.got) == AT_ONCE
        running.run(desk.node)
        assert len(receiver.got) == AT_ONCE + 5


ANSWERS = {"splunk": b'{"code":0}', "opensearch": b'{"items":[{"create":{"status":201}}]}', "feishu": b'{"code":0}'}
ANSWERS |= {"dingtalk": b'{"errcode":0}', "wecom": b'{"errcode":0}', "slack": b"ok"}


@pytest.mark.parametrize("form", sorted(set(SINKS) - {"syslog"}))
def test_each_form_is_sent_and_its_answer_read(tmp_path: Path, receiver: Receiver, form: str) -> None:
    (tmp_path / "secret").write_text("0" * 64 + "\n")
    one = sink(f"{receiver.url}?a=b", form, form=form, secret="../secret", project="ABUSE", lang="zh")
    for desk in open_desk(tmp_path / "node", sinks=(one,)):
        warn(desk, ONE)
        receiver.answer = lambda _got, count: Say(body=b"<html>") if count == 0 else Say(body=ANSWERS.get(form, b""))
        deliver(desk)
        assert [m["state"] for m in outbox(desk)] == ["sent"]
        assert len(receiver.got) == (1 if form in ("webhook", "jira", "slack") else 2)
        assert Effect.WARN in receiver.got[-1].body.decode() or "警告" in receiver.got[-1].body.decode()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_syslog_arrives_framed(tmp_path: Path, kind: str) -> None:
    sort = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, sort) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        if kind == "tcp":
            listening.listen()
        url = f"syslog+{kind}://127.0.0.1:{listening.getsockname()[1]}"
        for desk in open_desk(tmp_path / "node", sinks=(sink(url, form="syslog"),)):
            warn(desk, ONE)
            assert job(desk).run(desk.node)
            if kind == "tcp":
                accepted, _ = listening.accept()
                with accepted, accepted.makefile("rb") as stream:
                    frame = stream.read()
                assert frame.startswith(
                    f"{len(frame.split(b' ', 1)[1])} <109>1 2026-11-03T21:14:00.000Z tocsin".encode()
                )
            else:
                assert listening.recv(65536).startswith(
                    b"<109>1 2026-11-03T21:14:00.000Z tocsin tocsin - decision.made - CEF:0|"
                )
            assert [m["state"] for m in outbox(desk)] == ["sent"]
