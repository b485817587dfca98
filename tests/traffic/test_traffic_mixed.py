"""Lines of any form from a stream: any cut and any redelivery gives the same events."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from span_exports import START, bot, call, user
from traffic_reading import line

from tocsin.forms.limits import LINE_BYTES
from tocsin.traffic import read_mixed


def exported(*spans: dict[str, Any]) -> bytes:
    shown = [
        {
            "traceId": "ab" * 16,
            "startTimeUnixNano": str(START),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in span.items()],
        }
        for span in spans
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": shown}]}]}).encode()


def chat(*asked: str, answer: str = "ok") -> bytes:
    turns = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(asked)]
    answers = [{"message": {"role": "assistant", "content": answer}}]
    return json.dumps({"id": f"c{len(asked)}", "user": "a1", "messages": turns, "choices": answers}).encode()


def test_forms_are_told_apart_line_by_line() -> None:
    piece = read_mixed([line(1), chat("hi"), b"", exported(call([user("hello")])), b"{}", None])
    assert piece.traffic["text"].to_pylist() == ["an ordinary question", "hi", "ok", "hello"]
    assert piece.positions.tolist() == [1, 2, 2, 4]
    assert piece.rejects == ((5, "id is missing"), (6, f"line is longer than {LINE_BYTES} bytes"))


def test_a_line_too_long_is_refused_unread() -> None:
    assert read_mixed([b" " * (LINE_BYTES + 1)]).rejects == ((1, f"line is longer than {LINE_BYTES} bytes"),)


def test_a_chat_log_that_resends_its_history_gives_each_turn_once() -> None:
    talk = ["one", "two", "three", "four", "five"]
    lines = [chat(*talk[:count], answer=talk[count]) for count in (1, 3)]
    assert read_mixed(lines).traffic["text"].to_pylist() == ["one", "two", "three", "four"]


SAMPLES = [line(n) for n in range(3)] + [chat("hi"), chat("hi", "ok", "go on", answer="done"), b"{", b"7"]
SAMPLES += [exported(call([user("hi")], [bot("hello")])), exported(call([user("hi"), bot("hello"), user("more")]))]


@given(st.permutations(SAMPLES), st.lists(st.sampled_from(SAMPLES)), st.data())
def test_any_cut_and_any_redelivery_gives_the_same_events(order: list[bytes], again: list[bytes], data: Any) -> None:
    stream = order + again
    events: dict[str, Any] = {}
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        for row in read_mixed(stream[:cut]).traffic.to_pylist():
            events.setdefault(row["event_id"], row)
        stream = stream[cut:]
    whole = {row["event_id"]: row for row in read_mixed(SAMPLES).traffic.to_pylist()}
    assert {name: (row["role"], row["text"]) for name, row in events.items()} == {
        name: (row["role"], row["text"]) for name, row in whole.items()
    }


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(SAMPLES)), max_size=6))
def test_any_lines_are_read_or_refused_each(lines: list[bytes]) -> None:
    piece = read_mixed(lines)
    told = set(piece.positions.tolist()) | {position for position, _ in piece.rejects}
    blank = {at for at, one in enumerate(lines, 1) if not one.strip(b" \t\r")}
    assert told | blank <= set(range(1, len(lines) + 1))
    assert blank.isdisjoint(told)
