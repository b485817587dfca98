"""Any cut of the stream and any redelivery gives the same events, findings and cases."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from node_opened import Loaded, Opened, sample

from tocsin.node.jobs.following import keep_lines


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return Loaded.load()


def as_calls(events: list[dict[str, Any]]) -> list[bytes]:
    """The questions of each account as one conversation whose calls resend it, half as chat logs and half as spans."""
    talks: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event["role"] == "user":
            talks.setdefault(event["account"], []).append(event)
    lines = []
    for number, (account, talk) in enumerate(sorted(talks.items())):
        for upto in range(1, len(talk) + 1):
            lines.append((_span if number % 2 else _chat)(account, talk[:upto]))
    return lines


def _chat(account: str, talk: list[dict[str, Any]]) -> bytes:
    messages = [{"role": "user", "content": event["text"]} for event in talk]
    call = {"user": account, "session_id": f"s-{account}", "time": talk[0]["time"], "messages": messages}
    return json.dumps(call, ensure_ascii=False).encode()


def _span(account: str, talk: list[dict[str, Any]]) -> bytes:
    messages = [{"role": "user", "parts": [{"type": "text", "content": event["text"]}]} for event in talk]
    values = {"enduser.id": account, "gen_ai.conversation.id": f"s-{account}", "gen_ai.operation.name": "chat"}
    values["gen_ai.input.messages"] = json.dumps(messages, ensure_ascii=False)
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
    span = {"traceId": "0" * 32, "startTimeUnixNano": "1740830400000000000", "attributes": pairs}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}, ensure_ascii=False).encode()


def told(node: Opened, pieces: list[list[bytes]], screens: random.Random) -> tuple[Any, Any]:
    """What a node says once it was told pieces, screening now and then in between."""
    for piece in pieces:
        keep_lines(node.node, piece, "test")
        if screens.random() < 0.3:
            node.screening.run(node.node)
    cases = node.settle()
    names = ("case_id", "kinds", "severity", "strength", "findings", "rules", "sessions", "first", "last")
    return node.texts(), [{name: case[name] for name in names} for case in cases]


def cut(lines: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """Any cut; some pieces come again, at once or later."""
    pieces = []
    while lines:
        size = chance.randint(1, 200)
        pieces.append(lines[:size])
        lines = lines[size:]
    return [piece for one in pieces for piece in ([one, chance.choice(pieces)] if chance.random() < 0.4 else [one])]


def test_any_cut_and_any_redelivery_gives_the_same(tmp_path: Path, loaded: Loaded) -> None:
    events = sample(6)
    native = [json.dumps(event, ensure_ascii=False).encode() for event in events[: len(events) // 2]]
    lines = native + as_calls(events[len(events) // 2 :])
    whole = Opened(tmp_path / "whole", loaded)
    expected = told(whole, [lines], random.Random(0))
    assert len(expected[0]) >= len(native) and expected[1], "something is found"
    for seed in range(3):
        chance = random.Random(seed)
        folder = tmp_path / f"cut{seed}"
        Opened(folder, loaded).node.close()
        shutil.copy(whole.folder / "keys" / "identity", folder / "keys" / "identity")
        other = Opened(folder, loaded)
        assert told(other, cut(lines, chance), chance) == expected
