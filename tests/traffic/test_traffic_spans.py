"""GenAI spans: every turn once, whatever is resent; no content is never clean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from span_exports import as_json, bot, call, export, grown, plain, said, user

from tocsin.forms import FormatError
from tocsin.traffic import NO_CONTENT, Told, decode_json, decode_protobuf, tell

TALK = [user("hi"), bot("hello"), user("yes"), bot("more?"), user("yes"), bot("more?"), user("yes"), bot("bye")]
SAID = [(turn["role"], turn["parts"][0]["content"]) for turn in TALK]


def told(*spans: dict[str, Any], **more: Any) -> Told:
    request = export(*spans, **more)
    both = tell(decode_protobuf(request.SerializeToString())), tell(decode_json(as_json(request)))
    assert both[0] == both[1]
    return both[0]


def pairs(outcome: Told) -> list[tuple[str, str]]:
    return [(line["role"], line["text"]) for line in outcome.rows]


def test_a_growing_history_comes_out_once() -> None:
    outcome = told(*grown(TALK))
    assert (pairs(outcome), outcome.refused, outcome.others) == (SAID, (), 0)
    assert {line["account"] for line in outcome.rows} == {"a1"}
    assert len({line["session"] for line in outcome.rows}) == 1


def test_what_a_span_says_of_a_call_becomes_columns() -> None:
    more = {"gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 2, "gen_ai.response.model": "m1-0613"}
    more |= {"gen_ai.conversation.id": "c7", "tocsin.device": "d1", "tocsin.network.asn": "64500"}
    question, answer = told(call([user("hi")], [bot("hello", finish_reason="content_filter")], **more)).rows
    assert question["time"] == "2025-03-01T12:00:00+00:00"
    assert (question["session"], question["device"], question["network"]) == (
        "c7",
        "d1",
        {"asn": "64500", "country": None},
    )
    assert (answer["status"], answer["tokens_in"], answer["tokens_out"]) == ("refused", 9, 2)
    assert question["tokens_in"] is None and answer["model"] == "m1-0613"


def test_instructions_tools_and_files() -> None:
    asked = [
        user(
            "what is this?",
            {"type": "blob", "modality": "image", "content": "aGk="},
            {"type": "uri", "modality": "file"},
        ),
        bot({"type": "reasoning", "content": "hm"}, {"type": "tool_call", "name": "look", "arguments": {"at": 1}}),
        said("tool", {"type": "tool_call_response", "id": "t", "response": {"seen": "a bell"}}),
    ]
    instructions = json.dumps([{"type": "text", "content": "Be brief."}])
    outcome = told(call(asked, [bot("A bell.")], **{"gen_ai.system_instructions": instructions}))
    assert pairs(outcome) == [
        ("system", "Be brief."),
        ("user", "what is this?\n[image]\n[file]"),
        ("assistant", 'look {"at":1}'),
        ("tool", '{"seen":"a bell"}'),
        ("assistant", "A bell."),
    ]
    assert outcome.rows[2]["tool"] == "look"


def test_messages_sent_as_structures_are_read_as_those_sent_as_json() -> None:
    asked = [user("hi")]
    structured = plain(call() | {"gen_ai.input.messages": asked, "gen_ai.output.messages": [bot("hello")]})
    assert tell([structured]) == tell([plain(call(asked, [bot("hello")]))])


def test_an_event_a_message_as_of_1_36() -> None:
    events = [
        ("gen_ai.system.message", {"content": "Be brief."}),
        ("gen_ai.user.message", {"content": "hi"}),
        ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": "hello"})}),
    ]
    expected = [("system", "Be brief."), ("user", "hi"), ("assistant", "hello")]
    assert pairs(told(call(), events=events)) == expected
    wrapped = [(name, {"gen_ai.event.content": json.dumps(body)}) for name, body in events[:2]]
    assert pairs(told(call(), events=[*wrapped, ("gen_ai.choice", {"message": "hello"})])) == expected


def test_the_event_with_all_details() -> None:
    details = {"gen_ai.input.messages": json.dumps([user("hi")]), "gen_ai.output.messages": json.dumps([bot("hello")])}
    outcome = told(call(), events=[("gen_ai.client.inference.operation.details", details)])
    assert pairs(outcome) == [("user", "hi"), ("assistant", "hello")]


def test_prompt_and_completion_as_of_1_27() -> None:
    prompt = {"gen_ai.prompt": json.dumps([{"role": "user", "content": "hi"}])}
    completion = {"gen_ai.completion": json.dumps([{"role": "assistant", "content": "hello"}])}
    events = [("gen_ai.content.prompt", prompt), ("gen_ai.content.completion", completion)]
    assert pairs(told(call(), events=events)) == [("user", "hi"), ("assistant", "hello")]
    assert pairs(told(call(**{"gen_ai.prompt": "plain words"}))) == [("user", "plain words")]


def test_numbered_attributes() -> None:
    numbered = {
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": '[{"type": "text", "text": "hi"}]',
        "gen_ai.prompt.10.role": "user",
        "gen_ai.prompt.10.content": "[{not a list of parts",
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.tool_calls.0.name": "look",
        "gen_ai.completion.0.tool_calls.0.arguments": '{"at":1}',
    }
    expected = [
        ("system", "Be brief."),
        ("user", "hi"),
        ("user", "[{not a list of parts"),
        ("assistant", 'look {"at":1}'),
    ]
    assert pairs(told(call(**numbered))) == expected


def test_a_call_without_content_is_counted_and_other_spans_are_not() -> None:
    outcome = told(call(), {"http.request.method": "GET"}, call(**{"gen_ai.operation.name": "embeddings"}))
    assert (outcome.rows, outcome.refused, outcome.others) == ((), ((0, NO_CONTENT),), 2)
    assert told({"gen_ai.system": "x"}).refused == ((0, NO_CONTENT),)


def test_a_failed_call_gives_the_question_and_an_empty_answer() -> None:
    question, answer = told(call([user("hi")]), failed=True).rows
    assert (question["text"], answer["text"], answer["status"]) == ("hi", "", "error")


def test_strangers_are_kept_apart_by_trace() -> None:
    spans = [plain(call([user("hi")], **{"enduser.id": None}), trace=str(n) * 32) for n in range(3)]
    assert len({line["session"] for line in tell(spans).rows}) == 3


def test_the_account_may_stand_on_the_resource() -> None:
    spans = export(call([user("hi")], **{"enduser.id": None}), resource={"user.id": "a9"})
    assert tell(decode_protobuf(spans.SerializeToString())).rows[0]["account"] == "a9"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai.input.messages": '[{"role": "us'}, "messages are not JSON, maybe cut off by an attribute limit"),
        ({"gen_ai.input.messages": "{}"}, "messages are not a list"),
        ({"gen_ai.input.messages": "[7]"}, "a message is not an object"),
        ({"gen_ai.input.messages": '[{"role": "oracle", "parts": []}]'}, "unknown role"),
        ({"gen_ai.input.messages": '[{"role": "user", "content": 7}]'}, "content is neither text nor parts"),
    ],
)
def test_a_span_that_cannot_be_read_is_refused_for_a_reason(attributes: dict[str, Any], reason: str) -> None:
    outcome = told(call(**attributes), call([user("hi")]))
    assert (outcome.refused, pairs(outcome)) == (((0, reason),), [("user", "hi")])


texts = st.sampled_from(["yes", "no", "more?", "好", "hi", " yes"])
talks = st.lists(st.tuples(texts, texts), min_size=1, max_size=6).map(
    lambda said: [turn for asked, answered in said for turn in (user(asked), bot(answered))]
)


@given(talks, st.data())
def test_any_order_cut_and_redelivery_gives_the_same_turns(talk: list[dict[str, Any]], data: st.DataObject) -> None:
    spans = [plain(one | {"gen_ai.conversation.id": "c"}) for one in grown(talk)]
    whole = {line["event_id"]: (line["role"], line["text"].strip()) for line in tell(spans).rows}
    again = data.draw(st.permutations(spans + data.draw(st.lists(st.sampled_from(spans)))))
    names: dict[str, tuple[str, str]] = {}
    while again:
        cut = data.draw(st.integers(1, len(again)))
        names |= {line["event_id"]: (line["role"], line["text"].strip()) for line in tell(again[:cut]).rows}
        again = again[cut:]
    assert names == whole
    assert sorted(whole.values()) == sorted((turn["role"], turn["parts"][0]["content"].strip()) for turn in talk)


@given(st.binary(max_size=400))
def test_any_bytes_are_spans_or_a_format_error(body: bytes) -> None:
    for decode in (decode_json, decode_protobuf):
        try:
            tell(decode(body))
        except FormatError as error:
            assert error.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "key",
                    "value",
                    "stringValue",
                    "intValue",
                    "arrayValue",
                    "kvlistValue",
                    "values",
                    "role",
                    "parts",
                    "content",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["gen_ai.input.messages", "gen_ai.prompt", "gen_ai.completion.0.content"]))
def test_any_attribute_is_read_or_refused(value: Any, key: str) -> None:
    pair = {"key": key, "value": value}
    span = {"traceId": "00", "startTimeUnixNano": "1740830400000000000", "attributes": [pair]}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    try:
        outcome = tell(decode_json(body))
    except FormatError:
        return
    assert all(isinstance(line["text"], str) for line in outcome.rows)
    assert len(tell([plain({key: value})]).refused) <= 1


def test_nesting_and_size_do_not_break_it() -> None:
    deep = b'{"resourceSpans":' + b"[" * 100_000
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(150):
        value = {"arrayValue": {"values": [value]}}
    spans = {"spans": [{"attributes": [{"key": "gen_ai.prompt", "value": value}]}]}
    nested = json.dumps({"resourceSpans": [{"scopeSpans": [spans]}]})
    with pytest.raises(FormatError):
        decode_json(deep)
    assert len(decode_json(nested.encode())) == 1


def test_a_file_of_exports_is_read_and_each_turn_comes_once(read) -> None:
    lines = [as_json(export(one)) for one in grown(TALK)]
    outcome = read(b"\n".join([*lines, lines[0], b"", b"{}", b'{"resourceSpans": 7}']))
    assert outcome.said == SAID
    assert outcome.reasons == [(8, "not a trace export in OTLP JSON")]
    assert outcome.failures == []


def test_a_file_without_content_is_never_clean(read) -> None:
    outcome = read(as_json(export(call(), call())))
    assert (outcome.reasons, [str(f)[-19:] for f in outcome.failures]) == ([(1, NO_CONTENT)] * 2, [NO_CONTENT])
