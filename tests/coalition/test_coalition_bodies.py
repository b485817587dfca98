"""Bodies, terms, deliveries and what waits: one spelling each, all else refused; and who can open what."""

import contextlib
import json
import random
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_worlds import START, Room, alarm, box, boxed, terms
from test_coalition_forms import COUNT, HASH, WORDS

from tocsin.coalition import (
    BODY_BYTES,
    CLASSES,
    Body,
    Cadence,
    Waiting,
    choose_batch,
    deliver,
    encode_body,
    hear_said,
    parse_body,
    parse_delivery,
    read_box,
    receive,
    say_sealed,
)
from tocsin.coalition.batching import parse_cadence, parse_waiting
from tocsin.coalition.exhibits import parse_exhibit
from tocsin.coalition.sealing import digest_of
from tocsin.forms.bodies import BODIES, VALUE_BYTES, BodyForm, check_detail, form_of, type_of, values_of
from tocsin.forms.errors import ConfigError, FormatError, PolicyError, VerificationError
from tocsin.forms.statements import FORMS
from tocsin.forms.terms import (
    ACTIONS,
    HEADS,
    ONWARD,
    PURPOSES,
    QUORUMS,
    Terms,
    check_alarm,
    in_words,
    make_terms,
    parse_terms,
)
from tocsin.forms.terms import (
    CLASSES as DATA_CLASSES,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
MAYBE = st.one_of(st.just(""), HASH)
GRADE = st.integers(1, 5)
FIELDS = {
    "terms": st.text("abc", min_size=2), "agreement": HASH, "note": TEXT, "kind": st.sampled_from(("M01", "M14")),
    "subject": HASH, "severity": GRADE, "confidence": GRADE, "seen": COUNT, "expiry": COUNT, "derived": MAYBE,
    "replaces": MAYBE, "detail": st.text(min_size=2, max_size=80).filter(lambda t: t.isprintable()), "target": HASH,
    "count": COUNT, "text": WORDS, "deadline": COUNT,
    "stance": st.sampled_from(("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")),
}  # fmt: skip


@st.composite
def forms(draw: st.DrawFn) -> BodyForm:
    form = BODIES[draw(st.sampled_from(sorted(BODIES)))]
    return form(**{name: draw(FIELDS[name]) for name in form.__struct_fields__})


def test_every_form_of_the_issue_is_there_and_fits_into_sixteen_fields() -> None:
    assert set(BODIES) == {
        "agreement", "ending", "alarm", "retraction", "sighting", "opinion", "receipt", "inquiry", "answer",
    }  # fmt: skip
    assert {"report", "study", "anchor", "freeze"} <= set(FORMS)
    assert max(len(form.__struct_fields__) for form in BODIES.values()) == 10


@given(forms())
def test_a_form_is_its_fields_and_any_other_spelling_is_refused(form: BodyForm) -> None:
    kind, values = type_of(form), values_of(form)
    assert form_of(kind, values) == form
    name = sorted(values)[0]
    number = next((n for n, v in values.items() if v.isdigit() and n not in ("terms", "note", "text", "detail")), None)
    wrong = [{**values, "more": ""}, {n: v for n, v in values.items() if n != name}]
    wrong += [{**values, name: "x" * (VALUE_BYTES + 1)}]
    wrong += [{**values, number: "0" + values[number]}, {**values, number: "-1"}] if number in COUNTS else []
    for other in wrong:
        with pytest.raises(FormatError):
            form_of(kind, other)
    with pytest.raises(FormatError):
        form_of("alert", values)


COUNTS = ("severity", "confidence", "seen", "expiry", "count", "deadline")


@given(st.sampled_from(sorted(BODIES)), st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(max_size=20)))
def test_any_fields_are_read_or_refused_in_one_way(kind: str, values: dict[str, str]) -> None:
    with contextlib.suppress(FormatError):
        assert values_of(form_of(kind, values)) == values


def body(form: BodyForm, seed: int = 0, to: tuple[str, ...] = ("b0",)) -> Body:
    return say_sealed(form, "c" * 64, boxed("a0"), to, random.Random(seed).randbytes)


@given(forms(), st.integers(0, 99))
def test_a_body_reads_as_written_and_says_what_was_said(form: BodyForm, seed: int) -> None:
    made = body(form, seed)
    raw = encode_body(made)
    assert parse_body(raw) == made
    said = hear_said(made)
    assert (said.author, said.origin, said.audience, said.form) == ("a0", "log.a0.0", ("b0",), form)
    for other in (raw + b" ", raw[:-1], raw.replace(b'":', b'": ', 1), b"x" * (BODY_BYTES + 1)):
        with pytest.raises(FormatError):
            parse_body(other)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_way(raw: bytes) -> None:
    for read in (parse_body, parse_delivery, parse_waiting, parse_exhibit):
        with pytest.raises(FormatError):
            read(raw)


@pytest.mark.parametrize("audience", ["", "b0 b0", "b1 b0", " b0", " ".join(f"m{i:02}" for i in range(17))])
def test_an_audience_is_names_sorted_each_once(audience: str) -> None:
    made = body(alarm("1" * 64))
    fields = tuple(replace(f, value=audience) if f.name == "audience" else f for f in made.fields)
    with pytest.raises(FormatError):
        hear_said(replace(made, fields=fields))


@pytest.mark.parametrize("to", [(), ("a0",), tuple(f"m{i}" for i in range(17))])
def test_nobody_seals_for_none_for_itself_or_for_too_many(to: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        body(alarm("1" * 64), to=to)


def test_a_delivery_opens_for_its_addressee_alone_and_shows_nothing() -> None:
    made = body(alarm("1" * 64))
    given_to = deliver(made, read_box(box("a0")), boxed("b0"), "c" * 64)
    raw = given_to.encode()
    assert parse_delivery(raw) == given_to
    assert receive(given_to, read_box(box("b0")), boxed("a0")) == made
    assert b"behaviour" not in raw and "1" * 64 not in raw.decode()
    for key, author in ((box("b1"), boxed("a0")), (box("b0"), boxed("a1")), (box("a0"), boxed("a0"))):
        with pytest.raises(VerificationError):
            receive(given_to, read_box(key), author)
    for change in ({"digest": "0" * 64}, {"to": "log.b1.0"}, {"coalition": "d" * 64}, {"sealed": "AAAA"}):
        with pytest.raises(VerificationError):
            receive(msgspec.structs.replace(given_to, **change), read_box(box("b0")), boxed("a0"))
    for other in (raw + b" ", raw[:-1], raw.replace(b"tocsin-delivery/v1", b"tocsin-delivery/v2")):
        with pytest.raises(FormatError):
            parse_delivery(other)


def test_an_author_cannot_deliver_another_body_under_a_digest() -> None:
    honest, other = body(alarm("1" * 64)), body(alarm("2" * 64), seed=1)
    given_to = deliver(honest, read_box(box("a0")), boxed("b0"), "c" * 64)
    sneaky = type("Sneaky", (), {"digest": honest.digest, "value": other.value, "fields": other.fields})
    sneaky.commitments = other.commitments  # type: ignore[attr-defined]
    forged = deliver(sneaky, read_box(box("a0")), boxed("b0"), "c" * 64)  # type: ignore[arg-type]
    assert forged.digest == given_to.digest
    with pytest.raises(VerificationError, match="another body"):
        receive(forged, read_box(box("b0")), boxed("a0"))


@settings(max_examples=50)
@given(st.integers(0, 99), st.integers(0, 99))
def test_without_body_and_salts_an_entry_says_nothing(seed: int, guess: int) -> None:
    """Whoever guesses every value cannot tell that it was right: the salts are gone."""
    form, guessed = alarm("1" * 64), body(alarm("1" * 64), seed=1000 + guess)
    made = body(form, seed)
    nonce = next(field for field in made.fields if field.name == "nonce").value
    knows = replace(guessed, fields=tuple(replace(f, value=nonce) if f.name == "nonce" else f for f in guessed.fields))
    again = [f.commitment() for f in knows.fields] + list(knows.commitments[len(knows.fields) :])
    assert digest_of(again) != made.digest
    assert {f.value for f in knows.fields} == {f.value for f in made.fields}


@given(st.integers(0, 40), st.integers(0, 12), st.integers(0, 10**6), st.integers(0, 9))
def test_batches_are_of_one_size_and_tell_no_day_of_writing(count: int, cover: int, now: int, seed: int) -> None:
    rnd = random.Random(seed)
    waits = [Waiting(CLASSES[n % 3], f"{n:064x}", "A" * 342 + "==") for n in range(count)]
    cadence, at = Cadence(3600, cover, 0), START + now
    chosen, batch = choose_batch(cadence, waits, "log.a0.0", at, rnd.randbytes)
    assert len(batch) == (cover or count)
    assert len(chosen) == (min(cover, count) if cover else count)
    assert {one.digest for one in chosen} <= {one.digest for one in batch}
    midnight = at - at % 86_400
    assert {one.expiry - midnight for one in batch} <= set(CLASSES)
    assert cadence.due(at) and not cadence.after(at).due(at) and cadence.after(at).due(at + 3600)
    assert parse_waiting(waits[0].encode()) == waits[0] if waits else True


@pytest.mark.parametrize("raw", [b"", b'{"every":0,"cover":3,"last":0}', b'{"every":-1}', b'{"every":3600,"odd":1}'])
def test_a_wrong_cadence_is_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        parse_cadence(raw)
    assert parse_cadence(b"{}") == Cadence() and Cadence().due(0)


def test_terms_read_as_written_and_in_no_other_way() -> None:
    made = terms("a0", "b0")
    assert parse_terms(made.encode()) == made
    for other in (made.encode() + " ", made.encode()[:-1], made.encode().replace('":', '": ', 1), "", "\ud800"):
        with pytest.raises(FormatError):
            parse_terms(other)


WRONG = {
    "one party": {"parties": ["a0"]},
    "not sorted": {"parties": ["b0", "a0"]},
    "twice": {"kinds": ["M02", "M02"]},
    "no kind": {"kinds": ["M15"]},
    "open class": {"classes": ["prompts"]},
    "no purpose": {"purpose": "intelligence"},
    "open action": {"actions": ["ban"]},
    "passed on": {"onward": "all"},
    "own quorum": {"quorum": "one"},
    "too long": {"retention": 721},
    "tokens without a basis": {"classes": ["token"], "legal_basis": "a law"},
}


@pytest.mark.parametrize("what", WRONG)
def test_terms_that_nobody_may_agree_on_are_refused(what: str) -> None:
    plain = {**json.loads(terms("a0", "b0").encode()), **WRONG[what]}
    with pytest.raises(FormatError):
        make_terms(plain)
    with pytest.raises(FormatError):
        parse_terms(json.dumps(plain, separators=(",", ":")))


def test_fingerprints_are_agreed_on_with_a_basis() -> None:
    based = {"legal_basis": "a law", "transfer_basis": "a clause", "jurisdictions": ["AA", "BB"]}
    assert make_terms({**json.loads(terms("a0", "b0").encode()), **based, "classes": ["fingerprint"]})


@pytest.mark.parametrize("detail", ["[]", "{}x", '{"behaviour":1}', "[" * 5000])
def test_a_detail_is_an_object_of_objects(detail: str) -> None:
    with pytest.raises(FormatError):
        check_detail(detail)


def test_an_alarm_goes_to_parties_only() -> None:
    made = terms("a0", "b0")
    check_alarm(alarm(made.hash), made, "a0", ["b0"], START)
    for author, audience in (("b1", ["b0"]), ("a0", ["b1"]), ("a0", [])):
        with pytest.raises(PolicyError):
            check_alarm(alarm(made.hash), made, author, audience, START)


def test_every_closed_term_has_words_in_both_languages() -> None:
    words = [w for table in (HEADS, PURPOSES, DATA_CLASSES, ACTIONS, ONWARD, QUORUMS) for w in table.values()]
    assert all(en.isascii() and any("\u4e00" <= c <= "\u9fff" for c in zh) for en, zh in words)
    assert {*HEADS, "nonce"} == set(Terms.__struct_fields__)
    one, two = (in_words(terms("a0", "b0"), lang) for lang in ("en", "zh"))
    assert len(one) == len(two) == len(HEADS) and one != two


def test_a_second_entry_of_one_body_is_no_second_alarm() -> None:
    room = Room()
    digest = room.say("a0", alarm(room.agree(terms("a0", "b0"))), ("b0",), at=10)
    book = room.world.of("a0")
    copy = next(e.form for e in book.entries if getattr(e.form, "digest", "") == digest)
    book.write(msgspec.structs.replace(copy, expiry=copy.expiry + 86_400))  # type: ignore[type-var]
    room.stamp("a0", 11)
    assert len(room.view("b0", 100).alarms) == 1
