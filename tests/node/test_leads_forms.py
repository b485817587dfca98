"""Indicators of others: what becomes a lead, and why the rest does not."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.forms import ConfigError, FormatError
from tocsin.node.leads import FORMS, Named, Read, read_indicators
from tocsin.node.leads.lead import MOST_LEADS
from tocsin.node.leads.pattern import MOST_CHARS, UnreadPatternError, values_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "Pretend to be the courier Quillpost and ask for a customs fee"
FOLDED = "pretend to be the courier quillpost and ask for a customs fee"
TOGETHER = "a pattern that asks for several things together, or in time"


def indicator(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "indicator", "spec_version": "2.1", "pattern": pattern, "pattern_type": "stix"} | more


def bundle(*objects: Any) -> bytes:
    return json.dumps({"type": "bundle", "id": "bundle--1", "objects": list(objects)}).encode()


def read(data: bytes | str, form: str | None = None) -> Read:
    return read_indicators(data.encode() if isinstance(data, str) else data, NOW, form)


def named(outcome: Read) -> list[tuple[str, str]]:
    return [(one.form, one.value) for one in outcome.named.values()]


def test_a_stix_bundle() -> None:
    agent = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
    outcome = read(
        bundle(
            indicator("[user-account:user_id = 'acct-17' OR email-addr:value IN ('a@example.com', 'b@example.com')]"),
            indicator("[autonomous-system:number = 64500]", labels=["tocsin:kind=M02"], name="lures\nseen twice"),
            indicator(f"[{agent} = 'night-desk/0.9'] OR [ipv4-addr:value = '192.0.2.1']"),
            indicator(f"[x-tocsin-text:value = '{TEXT}']", valid_until="2027-01-01T00:00:00Z"),
            indicator("[user-account:user_id = 'gone']", valid_until="2025-01-01T00:00:00Z"),
            indicator("[user-account:user_id = 'gone']", revoked=True),
            indicator("alert tcp any any", pattern_type="snort"),
            indicator("anything", pattern_type="of our own"),
            indicator("[file:hashes.MD5 = 'x']"),
            indicator("[user-account:user_id = 'a' AND user-account:account_type = 'x']"),
            indicator("[user-account:user_id LIKE 'a%']"),
            {"type": "malware", "name": "x"},
            7,
        )
    )
    assert named(outcome) == [
        ("account", "acct-17"),
        ("account", "a@example.com"),
        ("account", "b@example.com"),
        ("network", "64500"),
        ("client", "night-desk/0.9"),
        ("text", FOLDED),
    ]
    assert outcome.named["network", "64500"] == Named("network", "64500", "M02", "lures seen twice")
    assert outcome.named["text", FOLDED].until == datetime(2027, 1, 1, tzinfo=UTC)
    assert dict(outcome.skipped) == {
        "an address: events name networks by AS number alone": 1,
        "no longer valid": 1,
        "revoked": 1,
        "a pattern in snort": 1,
        "a pattern in another language": 1,
        "a file or hash": 1,
        TOGETHER: 1,
        "a comparison other than = and IN": 1,
        "an object that is no indicator": 1,
        "an entry that is no object": 1,
    }


def test_misp_events_as_exported_searched_and_in_feeds() -> None:
    event = {
        "info": "lures",
        "Tag": [{"name": 'tocsin:kind="M02"'}],
        "Attribute": [
            {"type": "AS", "value": "AS64500", "to_ids": True},
            {"type": "user-agent", "value": "night-desk/0.9", "to_ids": "1"},
            {"type": "email-src", "value": "a@example.com", "to_ids": False},
            {"type": "ip-dst", "value": "192.0.2.1", "to_ids": True},
            {"type": "sha256", "value": "x", "to_ids": True},
            {"type": "AS", "value": "64501", "deleted": True},
            {"type": "AS"},
        ],
        "Object": [
            {
                "name": "ai-chat-prompt",
                "Attribute": [
                    {"type": "text", "object_relation": "prompt", "value": TEXT, "Tag": [{"name": "M03"}]},
                    {"type": "text", "object_relation": "comment", "value": "a remark"},
                ],
            },
            {"name": "user-account", "Attribute": [{"type": "text", "object_relation": "user-id", "value": "acct-17"}]},
        ],
    }
    whole = {"Event": event}
    for document in (whole, {"response": [whole]}, [whole], [event]):
        outcome = read(json.dumps(document))
        assert named(outcome) == [
            ("network", "64500"),
            ("client", "night-desk/0.9"),
            ("text", FOLDED),
            ("account", "acct-17"),
        ]
        assert [one.kind for one in outcome.named.values()] == ["M02", "M02", "M03", "M02"]
        assert outcome.skipped["not meant for detection"] == outcome.skipped["deleted"] == 1
        assert outcome.skipped["something that events do not have"] == 2


def test_csv_with_a_head_and_lists_without() -> None:
    sheet = '\ufeffForm,Value,Kind,Until,Note\naccount,acct-17,M01,2027-01-01,a farm\ntext,"' + TEXT + '",,,\n'
    sheet += "network,AS64500,M99,soon,\nplanet,x,,,\naccount,late,,2025-01-01,\n"
    sheet += "account,acct-17,,,\nnetwork,192.0.2.0/24,,,\n"
    outcome = read(sheet)
    assert named(outcome) == [("account", "acct-17"), ("text", FOLDED)]
    assert outcome.named["account", "acct-17"].note == "a farm"
    assert dict(outcome.skipped) == {
        "an `until` that is not ISO 8601": 1,
        "a form other than account, network, client, text": 1,
        "no longer valid": 1,
        "named twice": 1,
        "a network that is no AS number": 1,
    }
    assert named(read("value;note\nacct-1;x\n", "account")) == [("account", "acct-1")]
    assert named(read("# accounts\nacct-1\n\nacct-2\n", "account")) == [("account", "acct-1"), ("account", "acct-2")]


def test_a_template_keeps_its_pieces_and_says_why_where_it_cannot() -> None:
    lines = "Your parcel {number} is held; pay a customs fee of {amount} within {n} hours\n"
    lines += (
        "{name}, pay now\nan open { brace that is no slot at all\n请在{小时}小时内支付关税，否则包裹将被退回发件人\n"
    )
    outcome = read(lines, "text")
    assert [one.value for one in outcome.named.values()] == [
        "your parcel{}is held; pay a customs fee of{}within",
        "请在{}小时内支付关税,否则包裹将被退回发件人",
    ]
    assert dict(outcome.skipped) == {
        "a text without 24 bytes in a row to look for": 1,
        "a text with braces that are no slot": 1,
    }


def test_texts_of_the_kind_without_content_are_never_taken() -> None:
    outcome = read(f"form,value,kind\ntext,{TEXT},M07\naccount,acct-17,M07\n")
    assert (named(outcome), dict(outcome.skipped)) == ([("account", "acct-17")], {"kind M07 has no texts here": 1})


@pytest.mark.parametrize(
    "data", [b"\xff", b"{", b"{}", b"[]", b'{"response": []}', b"a,b\n1,2\n", b"", b'[{"Event": 7}]', b"[" * 100_000]
)
def test_what_is_no_file_of_indicators_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as refused:
        read(data)
    assert refused.value.hint


def test_a_form_that_leads_do_not_have_is_refused() -> None:
    with pytest.raises(ConfigError):
        read("x", "planet")


def test_one_file_gives_a_bounded_number_of_leads() -> None:
    outcome = read("\n".join(f"acct-{n}" for n in range(MOST_LEADS + 5)), "account")
    assert (len(outcome.named), outcome.skipped) == (MOST_LEADS, {f"beyond {MOST_LEADS} of one file": 5})


words = st.sampled_from(
    [
        "[",
        "]",
        "(",
        ")",
        ",",
        "=",
        "!=",
        "IN",
        "OR",
        "AND",
        "NOT",
        "LIKE",
        "FOLLOWEDBY",
        "'x'",
        "'it\\'s'",
        "7",
        "a:b",
        "user-account:user_id",
        "a:b.c",
    ]
)


@given(st.lists(words, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_pattern_is_read_or_refused(pattern: str) -> None:
    try:
        values = values_of(pattern)
    except UnreadPatternError as problem:
        assert re.fullmatch(r"a (pattern|comparison) [a-z =,IN]+", str(problem))
    else:
        assert values and all(":" in path for path, _ in values)


plain_values = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@given(st.lists(st.tuples(st.sampled_from(["a:b", "c-d:e.f", "g:h.'i-j'.k"]), plain_values), min_size=1, max_size=4))
def test_what_is_written_as_a_pattern_is_read_back(pairs: list[tuple[str, str]]) -> None:
    def quoted(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    written = "[" + " OR ".join(f"{path} = {quoted(value)}" for path, value in pairs) + "]"
    assert values_of(written) == pairs
    assert values_of(f"[a:b IN ({', '.join(quoted(value) for _, value in pairs)})]") == [("a:b", v) for _, v in pairs]


def test_a_pattern_is_read_in_linear_time() -> None:
    with pytest.raises(UnreadPatternError):
        values_of("[a:b = '" + "\\" * (MOST_CHARS - 20))
    with pytest.raises(UnreadPatternError):
        values_of("(" * (MOST_CHARS - 1))
    with pytest.raises(UnreadPatternError):
        values_of("[" + "a:'b" * (MOST_CHARS // 5))


keys = [
    "type",
    "objects",
    "pattern",
    "pattern_type",
    "Event",
    "response",
    "Attribute",
    "Object",
    "value",
    "Tag",
    "name",
]
keys += ["to_ids", "deleted", "valid_until", "labels", "object_relation"]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["bundle", "indicator", "AS", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=5),
    max_leaves=15,
)


@given(anything | anything.map(lambda value: {"type": "bundle", "objects": [value]}) | st.binary(max_size=60))
def test_any_document_is_read_or_refused_and_reasons_hold_nothing_of_it(document: Any) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        outcome = read(data)
    except FormatError:
        return
    assert all(form in FORMS for form, _ in outcome.named)
    assert all(re.fullmatch(r"[A-Za-z0-9 ,:`]+", reason) for reason in outcome.skipped)
