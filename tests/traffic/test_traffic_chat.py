"""Chat-completion logs: every turn comes out once, whatever the log resends."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from traffic_reading import line

from tocsin.forms import FormatError
from tocsin.forms.limits import TEXT_BYTES

NOON = "2025-03-01T12:00:00Z"
Message = dict[str, Any]


def user(content: Any) -> Message:
    return {"role": "user", "content": content}


def bot(content: Any, **more: Any) -> Message:
    return {"role": "assistant", "content": content} | more


def system(content: Any) -> Message:
    return {"role": "system", "content": content}


def choices(*messages: Message, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": n, "message": message} | more for n, message in enumerate(messages)]}


def call(number: int, *messages: Message, **more: Any) -> dict[str, Any]:
    return {"id": f"c{number}", "time": NOON, "user": "a1", "model": "m1", "messages": list(messages)} | more


def log(*lines: Any) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in lines)


def grown(turns: list[Message], *, answers: bool = True, **more: Any) -> list[dict[str, Any]]:
    """The calls of one conversation: each sends all turns before, and on the same line comes the next answer."""
    starts = [at for at, turn in enumerate(turns) if turn["role"] == "assistant"]
    return [call(at, *turns[:at], **(choices(turns[at]) if answers else {}), **more) for at in starts]


TALK = [system("be brief"), user("hi"), bot("hello"), user("yes"), bot("more?"), user("yes"), bot("more?"), user("yes")]
TALK += [bot("bye")]
SAID = [(turn["role"], turn["content"]) for turn in TALK]


def test_a_growing_history_comes_out_once(read) -> None:
    outcome = read(log(*grown(TALK)))
    assert (outcome.said, outcome.rejects, outcome.failures) == (SAID, [], [])
    assert len({event["session"] for event in outcome.events}) == 1
    assert {event["account"] for event in outcome.events} == {"a1"}


def test_requests_alone_give_answers_from_the_history(read) -> None:
    turns = [turn for n in range(5) for turn in (user("yes"), bot(f"more {n}?"))]
    said = [(turn["role"], turn["content"]) for turn in turns]
    assert read(log(*grown(turns, answers=False))).said == said[:-1]


def test_an_answer_known_from_the_history_alone_comes_out_once_however_often_it_is_said(read) -> None:
    assert read(log(*grown(TALK, answers=False))).said == [*SAID[:6], SAID[7]]


def test_request_and_response_on_separate_lines_are_one_call(read) -> None:
    lines = []
    for whole in grown(TALK):
        answer = {"id": whole["id"], "choices": whole.pop("choices"), "created": 1740830401}
        lines += [whole, answer]
    outcome = read(log(*lines))
    assert outcome.said == SAID
    assert {event["account"] for event in outcome.events} == {"a1"}
    assert len({event["session"] for event in outcome.events}) == 1


def test_requests_and_responses_in_files_of_their_own(read, tmp_path: Path) -> None:
    whole = grown(TALK[:6])
    answers = [{"id": call["id"], "time": NOON, "choices": call.pop("choices")} for call in whole]
    (tmp_path / "1-requests.jsonl").write_bytes(log(*whole[:1]))
    (tmp_path / "2-responses.jsonl").write_bytes(log(*answers[:1]))
    (tmp_path / "3-requests.jsonl").write_bytes(log(*whole[1:]))
    assert read(tmp_path).said == SAID[:4]


def test_a_response_that_comes_before_its_request_loses_nothing(read) -> None:
    outcome = read(log({"id": "c1", "time": NOON} | choices(bot("hello")), call(1, user("hi"))))
    assert (sorted(outcome.said), outcome.rejects) == ([("assistant", "hello"), ("user", "hi")], [])


def test_a_log_that_begins_midway_gives_what_came_before(read) -> None:
    assert read(log(*grown(TALK)[2:])).said == SAID


def test_a_window_that_slides_over_the_history(read) -> None:
    turns = [turn for n in range(12) for turn in (user(f"question {n}"), bot(f"answer {n}"))]
    calls = [call(at, *turns[max(0, at - 6) : at], session="s1", **choices(turns[at])) for at in range(1, 24, 2)]
    assert read(log(*calls)).said == [(turn["role"], turn["content"]) for turn in turns]


def test_a_repeated_yes_is_said_each_time(read) -> None:
    turns = [user("yes"), bot("more?")] * 4
    assert read(log(*grown(turns))).said == [(turn["role"], turn["content"]) for turn in turns]


def test_user_turns_without_any_answer_grow_too(read) -> None:
    calls = [call(n, *(user(f"part {k}") for k in range(n + 1))) for n in range(4)]
    assert read(log(*calls)).said == [("user", f"part {k}") for k in range(4)]


def test_the_same_question_asked_anew_is_a_new_turn(read) -> None:
    outcome = read(log(*(call(n, system("be brief"), user("hi"), **choices(bot("hello"))) for n in range(3))))
    assert outcome.said == [("system", "be brief")] + [("user", "hi"), ("assistant", "hello")] * 3


def test_a_changed_system_prompt_comes_out_and_leaves_the_history_alone(read) -> None:
    calls = grown(TALK)
    for number, one in enumerate(calls):
        one["messages"][0] = system(f"today is day {number}")
    assert [pair for pair in read(log(*calls)).said if pair[0] != "system"] == SAID[1:]
    assert [text for role, text in read(log(*calls)).said if role == "system"] == [
        f"today is day {n}" for n in range(4)
    ]


def test_each_conversation_has_its_own_system_prompt(read) -> None:
    calls = [call(n, system("be brief"), user("hi"), session=f"s{n}") for n in range(2)]
    assert read(log(*calls)).said == [("system", "be brief"), ("user", "hi")] * 2


def test_conversations_of_different_accounts_stay_apart(read) -> None:
    calls = [one | {"id": f"{one['id']}-{name}", "user": name} for one in grown(TALK) for name in ("a1", "a2")]
    outcome = read(log(*calls))
    for name in ("a1", "a2"):
        assert [(e["role"], e["text"]) for e in outcome.events if e["account"] == name] == SAID
    assert len({event["session"] for event in outcome.events}) == 2


def test_tool_calls_and_their_results(read) -> None:
    asked = {"id": "t1", "type": "function", "function": {"name": "look_up", "arguments": '{"city": "Oslo"}'}}
    twice = {"type": "custom", "custom": {"name": "run", "input": "1+1"}}
    result = {"role": "tool", "tool_call_id": "t1", "content": "4 degrees"}
    old = {"role": "function", "name": "look_up", "content": "5 degrees"}
    turns = [user("weather?"), bot(None, tool_calls=[asked, twice]), result, bot("cold"), old]
    outcome = read(
        log(call(1, *turns[:1], **choices(turns[1])), call(2, *turns[:3], **choices(turns[3])), call(3, *turns))
    )
    assert outcome.said == [
        ("user", "weather?"),
        ("assistant", 'look_up {"city": "Oslo"}\nrun 1+1'),
        ("tool", "4 degrees"),
        ("assistant", "cold"),
        ("tool", "5 degrees"),
    ]
    assert [event["tool"] for event in outcome.events] == [None, "look_up", None, None, "look_up"]


def test_the_older_function_call(read) -> None:
    outcome = read(log(call(1, user("x"), bot("so", function_call={"name": "f", "arguments": {"a": 1}}), user("y"))))
    assert ("assistant", 'so\nf {"a":1}') in outcome.said


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        (None, ""),
        ([], ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "input_text", "text": "a"}, "b"], "a\nb"),
        ([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:…"}}], "a\n[image]"),
        ([{"type": "input_audio"}, {"type": "file"}, {"type": "input_video"}], "[audio]\n[file]\n[video]"),
        ([{"type": "hologram"}, 7, {}], "[other]\n[other]\n[other]"),
        ([{"type": "refusal", "refusal": "no"}], "no"),
    ],
)
def test_content_of_every_kind(read, content: Any, text: str) -> None:
    assert read(log(call(1, user(content), user("last")))).said == [("user", text), ("user", "last")]


BARE = {"model": "m1", "messages": [user("hi")]}
ANSWER = {"model": "m2", "choices": [{"message": bot("hello")}], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}


@pytest.mark.parametrize(
    "line",
    [
        BARE | ANSWER,
        {"request": BARE, "response": ANSWER},
        {"request": {"body": BARE}, "response": {"status_code": 200, "body": ANSWER}},
        {"body": BARE, "response": ANSWER},
        {"input": BARE, "output": ANSWER},
        {"input": [user("hi")], "output": bot("hello")},
        {"input": [user("hi")], "output": "hello"},
        BARE | {"choices": [{"text": "hello"}]},
    ],
)
def test_where_request_and_response_may_lie(read, line: dict[str, Any]) -> None:
    outcome = read(log(line | {"id": "c1", "time": NOON}))
    assert outcome.said == [("user", "hi"), ("assistant", "hello")]
    assert outcome.ids == ["c1#0", "c1#r0"]


def test_batch_files_meet_by_their_custom_id(read) -> None:
    request = {"custom_id": "q1", "method": "POST", "url": "/v1/chat/completions", "body": BARE | {"user": "a1"}}
    response = {"id": "b1", "custom_id": "q1", "response": {"status_code": 200, "body": ANSWER}, "error": None}
    outcome = read(log(request, response))
    assert outcome.said == [("user", "hi"), ("assistant", "hello")]
    assert [event["account"] for event in outcome.events] == ["a1", "a1"]
    assert {event["time"] for event in outcome.events} == {datetime(1970, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        ({"account": "x", "user": "y"}, "x"),
        ({"user": "x"}, "x"),
        ({"user_id": 17}, "17"),
        ({"safety_identifier": "x"}, "x"),
        ({"metadata": {"user_id": "x"}}, "x"),
        ({"request": BARE | {"user": "x"}}, "x"),
        ({"request": BARE | {"metadata": {"account": "x"}}}, "x"),
        ({"user": ""}, None),
        ({"user": {"name": "x"}, "user_id": True}, None),
        ({}, None),
    ],
)
def test_who_asked(read, fields: dict[str, Any], account: str | None) -> None:
    outcome = read(log({"request": BARE, "id": 9} | fields))
    assert [event["account"] for event in outcome.events] == [account]
    assert outcome.ids == ["9#0"]


@pytest.mark.parametrize("key", ["session", "session_id", "conversation_id", "thread_id"])
@pytest.mark.parametrize("inside", [False, True])
def test_which_session(read, key: str, inside: bool) -> None:
    named = {"metadata": {key: "s1"}} if inside else {key: "s1"}
    assert read(log(BARE | named)).events[0]["session"] == "s1"


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({"time": NOON}, (2025, 3, 1, 12)),
        ({"timestamp": "2025-03-01 13:00:00+01:00"}, (2025, 3, 1, 12)),
        ({"created_at": "2025-03-01T12:00:00"}, (2025, 3, 1, 12)),
        ({"created": 1740830400}, (2025, 3, 1, 12)),
        ({"time": 1740830400.0, "created": 7}, (2025, 3, 1, 12)),
        ({"response": ANSWER | {"created": 1740830400}}, (2025, 3, 1, 12)),
        ({"time": None}, (1970, 1, 1)),
        ({}, (1970, 1, 1)),
    ],
)
def test_when(read, fields: dict[str, Any], time: tuple[int, ...]) -> None:
    assert read(log(BARE | fields)).events[0]["time"] == datetime(*time, tzinfo=UTC)  # type: ignore[arg-type,misc]


def test_native_columns_are_taken_over_where_they_fit(read) -> None:
    fields = {"org": "o", "key_id": "k", "client": "c", "device": "d", "payment": "p", "lang": "en", "status": "ok"}
    more = {"network": {"asn": 64500, "country": "XX"}, "signed_up": "2025-01-01", "attributes": {"a": [1]}}
    event = read(log(BARE | fields | more)).events[0]
    assert {name: event[name] for name in fields} == fields
    assert event["network"] == {"asn": "64500", "country": "XX"}
    assert (event["signed_up"], event["attributes"]) == (datetime(2025, 1, 1, tzinfo=UTC), '{"a":[1]}')
    odd = read(log(BARE | dict.fromkeys(fields, 7) | dict.fromkeys(more, 7))).events[0]
    assert [odd[name] for name in (*fields, *more)] == [None] * (len(fields) + len(more))


def test_tokens_stand_on_the_answer_alone(read) -> None:
    events = read(log(BARE | ANSWER)).events
    assert [(event["tokens_in"], event["tokens_out"]) for event in events] == [(None, None), (5, 7)]


@pytest.mark.parametrize(
    ("response", "text", "status"),
    [
        (choices(bot("half of"), finish_reason="content_filter"), "half of", "refused"),
        (choices(bot(None, refusal="I cannot help")), "I cannot help", "refused"),
        (choices(bot("sure", refusal=None), finish_reason="stop"), "sure", None),
        ({"error": {"message": "overloaded"}}, "", "error"),
        ({"response": {"status_code": 500, "error": {"code": 1}}}, "", "error"),
        ({"error": None, **choices(bot("sure"))}, "sure", None),
    ],
)
def test_how_it_ended(read, response: dict[str, Any], text: str, status: str | None) -> None:
    events = read(log(call(1, user("hi"), **response))).events
    assert [(event["role"], event["text"], event["status"]) for event in events] == [
        ("user", "hi", None),
        ("assistant", text, status),
    ]


def test_several_choices_are_several_turns(read) -> None:
    assert read(log(call(1, user("hi"), **choices(bot("one"), bot("two"))))).ids == ["c1#0", "c1#r0", "c1#r1"]


def test_lines_without_an_id_are_named_after_their_place(read) -> None:
    first, again = (read(log(BARE | ANSWER, BARE | ANSWER)) for _ in range(2))
    assert len(set(first.ids)) == 4
    assert first.ids == again.ids


def test_the_same_line_twice_is_a_duplicate(read) -> None:
    outcome = read(log(call(1, user("hi")), call(1, user("hi"))))
    assert (outcome.ids, outcome.reasons) == (["c1#0"], [(2, "duplicate id")])


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"x": 1}', "neither a request nor a response"),
        (b'{"messages": {}}', "neither a request nor a response"),
        (b'{"request": 7, "response": "x"}', "neither a request nor a response"),
        (b'{"messages": ["hi"]}', "a message is not an object"),
        (b'{"messages": [{"content": "x"}]}', "unknown role"),
        (b'{"messages": [{"role": "human", "content": "x"}]}', "unknown role"),
        (b'{"messages": [{"role": ["user"], "content": "x"}]}', "unknown role"),
        (b'{"messages": [{"role": "user", "content": 7}]}', "content is neither text nor parts"),
        (b'{"messages": [{"role": "user", "content": {"a": 1}}]}', "content is neither text nor parts"),
        (b'{"choices": [{"delta": {"content": "x"}}]}', "a piece of a streamed response"),
        (b'{"messages": [], "time": "soon"}', "time is neither ISO 8601 nor seconds since 1970"),
        (b'{"messages": [], "time": true}', "time is neither ISO 8601 nor seconds since 1970"),
        (b'{"messages": [], "time": 1e300}', "time is neither ISO 8601 nor seconds since 1970"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "lone surrogate"),
        (b'{"messages": [{"role": "user", "content": "\xff"}]}', "line is not UTF-8"),
        (b'{"messages": [{"role": "user", "content": NaN}]}', "not JSON"),
        (b'{"messages": ' + b"[" * 200_000, "JSON is nested too deep"),
        (b'{"messages": ' + b'{"a":' * 200_000, "JSON is nested too deep"),
        (
            b'{"messages": [{"role": "user", "content": "x"}], "id": "' + b"i" * 600 + b'"}',
            "id is 602 bytes, limit 512",
        ),
        (
            b'{"messages": [{"role": "user", "content": "x"}], "user": "' + b"i" * 5000 + b'"}',
            "account is 5000 bytes, limit 4096",
        ),
    ],
)
def test_a_bad_line_is_refused_and_the_others_survive(read, bad: bytes, why: str) -> None:
    outcome = read(log(call(1, user("hi"))) + b"\n" + bad + b"\n" + log(call(2, user("you"))))
    assert (outcome.said, outcome.reasons) == ([("user", "hi"), ("user", "you")], [(2, why)])


def test_a_text_too_long_is_refused_and_the_rest_of_the_call_is_kept(read) -> None:
    outcome = read(log(call(1, user("x" * (TEXT_BYTES + 1)), user("hi"))))
    assert outcome.said == [("user", "hi")]
    assert outcome.reasons == [(1, f"text is {TEXT_BYTES + 1} bytes, limit {TEXT_BYTES}")]


@pytest.mark.parametrize("content", [None, "", []])
def test_a_log_without_content_is_never_clean(read, content: Any) -> None:
    outcome = read(log(*(call(n, user(content), **choices(bot(content))) for n in range(3))))
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert "no content captured" in str(outcome.failures[0])


def test_the_form_is_shown_by_the_first_line_that_shows_one(read) -> None:
    assert read(b"junk\n{}\n" + log(call(1, user("hi")))).said == [("user", "hi")]
    native = read(b'{"x": 1}\n' + line(1, messages=[1], request={}))
    assert (native.ids, native.reasons) == (["e1"], [(1, "id is missing")])


def test_many_blocks_of_growing_talks(read) -> None:
    turns = [turn for n in range(60) for turn in (user(f"question {n} " + "x" * 900), bot(f"answer {n} " + "y" * 900))]
    calls = grown(turns)
    assert len(log(*calls)) > 3_000_000
    assert read(log(*calls)).said == [(turn["role"], turn["content"]) for turn in turns]
