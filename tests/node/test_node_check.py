"""POST /v1/check: its verdicts, its bounds, and that it tells nobody what was said."""

import asyncio
import json
import logging
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from check_worlds import BAD, GOOD, World, asked, world
from node_processes import run_here

from tocsin.cases import starter_policy
from tocsin.flow import Checker, CheckSettings, Message, Request
from tocsin.node.access import new_token
from tocsin.node.stores import events, tokens
from tocsin.standard import Standard

SECRET = "the-secret-of-the-mill-4417"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world(tmp_path_factory.mktemp("check") / "node")


@pytest.fixture(scope="module")
def checker(pack_cache: Path) -> Checker:
    return Checker.load(CheckSettings(cache=pack_cache / "tocsin"), lambda: 0.0)


def test_a_verdict_rests_on_the_scores_of_a_screening_run(node: World, checker: Checker, shipped: Standard) -> None:
    texts = [g[0] for rule in shipped.rules for g in rule.form.examples.positive.values()][::5]
    answers = node.post("/v1/check", *(asked(text) for text in texts))
    expected = checker.check([Request((Message("user", text),)) for text in texts])
    for answer, one in zip(answers, expected, strict=True):
        told = answer.json()
        assert answer.status_code == 200
        assert (told["verdict"], told["score"]) == (one.ruling.verdict, round(one.score, 6))
        assert [(f["rule"], f["kind"], f["start"], f["end"]) for f in told["findings"]] == [
            (f.rule, f.kind, f.start, f.end) for f in one.findings
        ]
        assert told["reasons"] == {"en": one.ruling.reasons.en, "zh": one.ruling.reasons.zh}
    assert {a.json()["verdict"] for a in answers} == {"allow", "review", "block"}


def test_the_command_and_the_api_agree(node: World, shipped: Standard, tmp_path: Path) -> None:
    texts = [g[0] for rule in shipped.rules[::9] for g in rule.form.examples.positive.values()] + [GOOD, BAD]
    event = {"time": "2026-11-03T21:14:05Z", "account": "a", "role": "user"}
    lines = [json.dumps({**event, "id": f"e{n}", "text": text}) for n, text in enumerate(texts)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    run_here("screen", tmp_path / "log.jsonl", "--out", tmp_path / "run", "--scores")
    scores = pq.read_table(tmp_path / "run" / "scores.parquet").to_pylist()
    rows = pq.read_table(tmp_path / "run" / "findings.parquet").to_pylist()
    for n, answer in enumerate(node.post("/v1/check", *map(asked, texts))):
        told = answer.json()
        assert told["score"] == pytest.approx(scores[n]["score"], abs=1e-6)
        expected = [(r["rule"], r["kind"], r["span_start"]) for r in rows if r["event_id"] == f"e{n}"]
        assert [(f["rule"], f["kind"], f["start"]) for f in told["findings"]] == expected


def test_an_answer_says_all_that_is_promised(node: World) -> None:
    parts = [{"type": "text", "text": BAD}, {"type": "image_url", "image_url": {"url": "data:x"}}]
    told = node.one("/v1/check", {"messages": [{"role": "user", "content": parts}]}).json()
    assert told["verdict"] == "block" and told["kinds"][0] == "M02" and told["policy"] == starter_policy().name
    (finding,) = [f for f in told["findings"] if f["detector"] == "rules"]
    assert finding["rule"] == "M02.phishing-message" and set(finding["title"]) == {"en", "zh"}
    assert {s["stage"] for s in told["stages"]} == {"rules", "first"} and told["judged_together"] == 1
    assert told["unseen"] == [{"message": 0, "types": ["image_url"]}]
    assert "Quillpost" not in json.dumps(told)


def test_requests_that_come_together_are_judged_together(node: World) -> None:
    answers = [a.json() for a in node.post("/v1/check", *(asked(GOOD if n % 3 else BAD) for n in range(40)))]
    assert [a["verdict"] for a in answers] == ["allow" if n % 3 else "block" for n in range(40)]
    assert max(a["judged_together"] for a in answers) > 1


def test_a_large_message_and_small_ones_are_all_answered(node: World) -> None:
    large = "a quiet word about the harvest " * 8000
    answers = node.post("/v1/check", asked(large), *(asked(GOOD) for _ in range(9)), asked(large + BAD))
    assert [a.status_code for a in answers] == [200] * 11
    assert answers[-1].json()["verdict"] != "allow" and answers[0].json()["verdict"] == "allow"


ONE = b'"messages": [{"role": "user", "content": "x"}]'
PIECE = b"{" + ONE + b', "stream": {"id": "%s", "index": %d}}'
NO_FORM = {
    "nothing": b"", "half": b"{", "a list": b"[]", "null": b"null", "no messages": b'{"messages": []}',
    "a number": b'{"messages": 3}', "numbers": b'{"messages": [3]}', "no role": b'{"messages": [{}]}',
    "a field too many": b"{" + ONE + b', "what": 1}',
    "an unknown role": b'{"messages": [{"role": "king", "content": "x"}]}',
    "half a pair": b'{"messages": [{"role": "user", "content": "\\ud800"}]}',
    "no UTF-8": b'{"messages": [{"role": "user", "content": "\xff"}]}',
    "a number for an account": b'{"account": 3, ' + ONE + b"}", "an empty account": b'{"account": "", ' + ONE + b"}",
    "deep lists": b'{"messages": [{"role": "user", "content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}",
    "deep objects": b'{"messages": ' * 50_000, "a long account": b'{"account": "' + b"a" * 600 + b'", ' + ONE + b"}",
    "many messages": b'{"messages": [' + b'{"role": "user", "content": "x"},' * 5000 + b'{"role": "user"}]}',
    "a stream without a name": PIECE % (b"", 0),
    "a piece before all": PIECE % (b"s", -1),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_FORM)
def test_bodies_in_no_form_are_refused(node: World, name: str) -> None:
    answer = node.one("/v1/check", NO_FORM[name])
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["message"] and error["hint"] and "king" not in answer.text


def test_a_piece_that_does_not_follow_is_told_apart(node: World) -> None:
    for index in (1, 10**30):
        answer = node.one("/v1/check", PIECE % (b"lost", index))
        assert answer.status_code == 409 and "0 pieces here" in answer.json()["error"]["message"]
    assert node.one("/v1/check", (PIECE % (b"lost", 0)).replace(b" 0}", b" 0.0}")).status_code == 200
    assert node.one("/v1/check", (PIECE % (b"lost", 1)).replace(b" 1}", b" 1.5}")).status_code == 400


def test_ten_megabytes_are_refused_and_not_kept(node: World) -> None:
    for path in ("/v1/check", "/v1/moderations"):
        answer = node.one(path, b'{"input": "' + b"a" * 10_000_000 + b'"}')
        assert answer.status_code == 413 and answer.json()["error"]["hint"]


def test_who_has_no_token_or_the_wrong_scope_is_refused(node: World) -> None:
    weak = new_token(node.node.random)
    with node.node.database.writing() as connection:
        tokens.add(connection, weak, "weak", ("ingest", "read"), 0, node.node.random)
    for path, body in (("/v1/check", asked(GOOD)), ("/v1/moderations", {"input": GOOD})):
        assert node.one(path, body, {"authorization": ""}).status_code == 401
        assert node.one(path, body, {"authorization": "Bearer no"}).status_code == 401
        assert node.one(path, body, {"authorization": f"Bearer {weak}"}).status_code == 403


def test_neither_answers_nor_logs_hold_what_was_said(node: World, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    caplog.set_level(logging.DEBUG)
    broken = b'{"messages": [{"role": "%s", "content": "%s"}]}' % (SECRET.encode(), SECRET.encode())
    own = {"account": SECRET, "session": SECRET}
    sent = [
        asked(f"{SECRET} {BAD}", **own),
        broken,
        b'{"%s": 1}' % SECRET.encode(),
        b'{"account": "%s' % SECRET.encode(),
    ]
    answers = node.post("/v1/check", *sent) + node.post(
        "/v1/moderations", {"input": f"{SECRET} {BAD}"}, {"input": [SECRET, 1]}
    )
    assert [a.status_code for a in answers] == [200, 400, 400, 400, 200, 400]
    out, err = capfd.readouterr()
    assert not any(SECRET in text for text in (*(a.text for a in answers), caplog.text, out, err))


def test_a_stream_is_checked_as_it_comes(node: World, shipped: Standard) -> None:
    form = next(rule.form for rule in shipped.rules if "assistant" in rule.form.roles)
    text = "And so the miller went home. " * 120 + form.examples.positive["en"][0]
    pieces = [text[at : at + 700] for at in range(0, len(text), 700)]

    def body(number: int) -> dict[str, Any]:
        piece = {"id": "answer-1", "index": number, "final": number == len(pieces) - 1}
        return {"account": "a", "messages": [{"role": "assistant", "content": pieces[number]}], "stream": piece}

    async def talk(client: Any) -> list[dict[str, Any]]:
        return [(await client.post("/v1/check", json=body(n))).json() for n in range(len(pieces))]

    told = node.within(talk)
    whole = node.one("/v1/check", {"messages": [{"role": "assistant", "content": text}]}).json()
    for name in ("verdict", "score", "findings", "kinds", "clauses"):
        assert told[-1][name] == whole[name]
    assert told[-1]["stream"] == {"start": 0, "whole": True} and told[-1]["findings"]
    assert not told[-2]["stream"]["whole"] and told[-2]["stream"]["start"] > 0


def test_a_text_of_the_rules_own_words_keeps_nobody_waiting(node: World, shipped: Standard) -> None:
    """The attack: somebody sends what is dearest to look through; others are answered meanwhile, and it in the end."""
    hostile = " ".join(
        text for rule in shipped.rules for group in rule.form.examples.positive.values() for text in group
    )
    order: list[str] = []

    async def ask(client: Any, name: str, text: str) -> dict[str, Any]:
        told = (await client.post("/v1/check", json=asked(text))).json()
        order.append(name)
        return dict(told)

    async def both(client: Any) -> list[dict[str, Any]]:
        return await asyncio.gather(ask(client, "hostile", hostile), *(ask(client, "other", GOOD) for _ in range(5)))

    dear, *others = node.within(both)
    assert dear["verdict"] == "block" and len(dear["findings"]) > 3
    assert {o["verdict"] for o in others} == {"allow"} and all(o["complete"] for o in others)
    assert order[-1] == "hostile"


def test_too_many_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    narrow = world(tmp_path / "node", most_waiting=3)
    statuses = [a.status_code for a in narrow.post("/v1/check", *(asked(GOOD) for _ in range(12)))]
    assert statuses.count(200) >= 3 and statuses.count(200) + statuses.count(429) == 12 > statuses.count(200)
    narrow.node.close()


def test_checked_messages_are_stored_only_where_that_is_set(node: World, tmp_path: Path) -> None:
    node.post("/v1/check", asked(GOOD), asked(BAD))
    with node.node.database.reading() as connection:
        assert events.waiting(connection) == 0
    keeps = world(tmp_path / "node", store=True)
    talk = [{"role": "user", "content": GOOD}, {"role": "assistant", "content": "Dear neighbour"}]
    first = {"account": "a", "session": "s", "messages": talk[:1]}
    later = {"account": "a", "session": "s", "messages": [*talk, {"role": "user", "content": BAD}]}
    stored = [
        a.json()["stored"] for a in (*keeps.post("/v1/check", first, first, later), keeps.one("/v1/check", later))
    ]
    assert stored == [True] * 4
    nameless = keeps.one("/v1/check", {"messages": talk}).json()
    assert nameless["stored"] is False, "nobody could ask for it to be forgotten"
    with keeps.node.database.reading() as connection:
        assert events.waiting(connection) == 3, "each turn once, however often a conversation is sent"
    keeps.node.close()


def test_a_policy_of_the_members_own_decides(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "name: own\nclauses:\n"
        "- {id: any, verdict: block, when: {probability: {at_least: 0}}, reason: {en: All, zh: 全部}}\n",
        "utf-8",
    )
    strict = world(tmp_path / "node", policy=str(tmp_path / "own.yaml"))
    told = strict.one("/v1/check", asked(GOOD)).json()
    assert (told["verdict"], told["policy"], told["clauses"]) == ("block", "own", ["any"])
    assert math.isclose(told["score"], strict.one("/v1/check", asked(GOOD)).json()["score"])
    strict.node.close()


def test_a_policy_that_is_not_there_is_told(tmp_path: Path) -> None:
    lost = world(tmp_path / "node", policy="nowhere.yaml")
    answer = lost.one("/v1/check", asked(GOOD))
    assert answer.status_code == 503 and "nowhere.yaml" in answer.json()["error"]["message"]
    lost.node.close()


def test_the_document_of_the_api_describes_both_routes(node: World) -> None:
    async def read(client: Any) -> Any:
        return (await client.get("/v1/openapi.json")).json()

    paths = node.within(read)["paths"]
    for path in ("/v1/check", "/v1/moderations"):
        post = paths[path]["post"]
        assert post["requestBody"]["content"]["application/json"]["schema"]["properties"]
        assert post["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
