"""Statements, envelopes and charters: one spelling each, all else refused."""

import json
from base64 import b64encode

import pytest
from coalition_worlds import follow, found, member, side, signer
from hypothesis import given
from hypothesis import strategies as st

from tocsin.coalition import parse_charter, parse_envelope, seal_envelope
from tocsin.coalition.envelope import IN_TOTO
from tocsin.forms.errors import FormatError
from tocsin.forms.statements import FORMS, Form, Sealed, Statement, parse_statement

HASH = st.text("0123456789abcdef", min_size=64, max_size=64)
COUNT = st.integers(0, 2**53 - 1)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)
NAME = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
FIELDS = {
    "origin": NAME, "charter": HASH, "parent": HASH, "round": COUNT, "version": COUNT, "note": WORDS, "text": WORDS,
    "missing": st.lists(COUNT, max_size=5), "subject": WORDS, "until": COUNT, "to": NAME, "deadline": COUNT,
    "asker": NAME, "index": COUNT, "title": WORDS, "digest": HASH, "frozen": NAME, "key": NAME,
    "use": st.sampled_from(("statement", "oprf:email:7")), "signature": st.just("AAAA"),
    "expiry": st.integers(10**9, 10**10 - 1),
    "slots": st.binary(min_size=256, max_size=256).map(lambda raw: b64encode(raw).decode()),
}  # fmt: skip


@st.composite
def forms(draw: st.DrawFn) -> Form:
    form = FORMS[draw(st.sampled_from(sorted(FORMS)))]
    given_fields = {name: draw(FIELDS[name]) for name in form.__struct_fields__}
    if form is FORMS["proposal"]:
        given_fields["charter"] = "AAAA"
    return form(**given_fields)


@given(HASH, forms())
def test_what_is_written_reads_as_the_same_and_nothing_else_does(coalition: str, form: Form) -> None:
    raw = Statement(coalition, form).encode()
    assert parse_statement(raw) == Statement(coalition, form)
    for other in (raw + b" ", raw[:-1], raw.replace(b'":', b'": ', 1), raw.replace(b"/v1", b"/v2")):
        with pytest.raises(FormatError):
            parse_statement(other)


@given(forms())
def test_a_field_more_or_less_is_refused(form: Form) -> None:
    whole = json.loads(Statement("a" * 64, form).encode())
    more = {**whole, "predicate": {**whole["predicate"], "more": 1}}
    less = {**whole, "predicate": dict(list(whole["predicate"].items())[1:])}
    for other in (more, less):
        with pytest.raises(FormatError):
            parse_statement(json.dumps(other, separators=(",", ":")).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_way(raw: bytes) -> None:
    for read in (parse_statement, parse_charter, lambda raw: parse_envelope(raw, IN_TOTO)):
        with pytest.raises(FormatError):
            read(raw)


@given(st.binary(min_size=256, max_size=256), HASH)
def test_sealed_entries_have_one_length(slots: bytes, digest: str) -> None:
    said = Sealed("log.a0.0", digest, 1_900_000_000, b64encode(slots).decode())
    entry = seal_envelope(Statement("a" * 64, said).encode(), IN_TOTO, [signer("statement.a0.0")]).encode()
    other = Sealed("log.a0.0", "0" * 64, 1_800_000_000, b64encode(bytes(256)).decode())
    assert len(entry) == len(seal_envelope(Statement("a" * 64, other).encode(), IN_TOTO, [signer("x")]).encode())


def test_a_charter_reads_as_written() -> None:
    first = found([side("a", [member("a0"), member("a1")]), side("b", [member("b0")])])
    for charter in (first, follow(first)):
        assert parse_charter(charter.encode()).encode() == charter.encode()
        assert parse_charter(charter.encode()).hash == charter.hash


def test_a_policy_counts_each_operator_once() -> None:
    policy = found([side("a", [member("a0"), member("a1")]), side("b", [member("b0")])]).policy
    assert policy.met(["a0", "a1", "b0"])
    assert policy.missing(["a0", "b0"]) == ["side/a"]
