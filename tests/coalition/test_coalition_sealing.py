"""Sealed entries: what an addressee, an auditor and everybody else can tell."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.coalition.box import box_public, read_box, write_box
from tocsin.coalition.sealing import (
    CLASSES,
    Body,
    check_body,
    check_field,
    cover,
    is_for,
    pair_key,
    round_expiry,
    seal,
    write_body,
)
from tocsin.forms.errors import ConfigError, FormatError, VerificationError

COALITION = "c" * 64
AUTHOR, OTHER = "log.a0.0", "log.b0.0"
NAMED = {"type": "alarm", "coalition": COALITION, "author": AUTHOR, "origin": AUTHOR, "nonce": "1", "audience": OTHER}
BOXES = {origin: write_box(bytes([number] * 32)) for number, origin in enumerate((AUTHOR, OTHER, "log.c0.0"), 1)}


def body(seed: int = 0, **more: str) -> Body:
    return write_body(NAMED | more, random.Random(seed).randbytes)


def key(own: str, other: str, addressee: str = OTHER) -> bytes:
    return pair_key(read_box(BOXES[own]), box_public(BOXES[other]), COALITION, AUTHOR, addressee)


def test_the_addressee_sees_that_something_is_for_it_and_nobody_else() -> None:
    rnd = random.Random(1)
    entry = seal(body(), AUTHOR, 1_900_000_000, [key(AUTHOR, OTHER)], rnd.randbytes)
    assert is_for(entry, key(OTHER, AUTHOR))
    assert not is_for(entry, key("log.c0.0", AUTHOR, "log.c0.0"))
    assert not is_for(entry, key(OTHER, AUTHOR, "log.c0.0"))
    assert not is_for(cover(AUTHOR, 1_900_000_000, rnd.randbytes), key(OTHER, AUTHOR))
    check_body(body(), entry, COALITION, AUTHOR)
    with pytest.raises(ConfigError):
        seal(body(), AUTHOR, 1_900_000_000, [b"k"] * 17, rnd.randbytes)


@given(st.dictionaries(st.text("abcdefgh", min_size=1), st.text(max_size=30), max_size=10), st.integers(0, 99))
def test_each_field_is_shown_without_the_rest_and_cannot_be_changed(more: dict[str, str], seed: int) -> None:
    made = body(seed, **more)
    for field in made.fields:
        check_field(field, made.commitments, made.digest)
        for changed in (
            replace(field, value=field.value + "x"),
            replace(field, name=field.name + "x"),
            replace(field, place=(field.place + 1) % 16),
            replace(field, salt=bytes(32)),
        ):
            with pytest.raises(VerificationError):
                check_field(changed, made.commitments, made.digest)


@pytest.mark.parametrize("name", ["coalition", "author", "origin"])
def test_a_body_replayed_from_elsewhere_is_refused(name: str) -> None:
    made = body(**{name: "log.evil"})
    entry = seal(made, AUTHOR, 1_900_000_000, [], random.Random(2).randbytes)
    with pytest.raises(VerificationError, match=name):
        check_body(made, entry, COALITION, AUTHOR)


def test_a_body_of_another_entry_is_refused() -> None:
    entry = seal(body(1), AUTHOR, 1_900_000_000, [], random.Random(2).randbytes)
    with pytest.raises(VerificationError):
        check_body(body(2), entry, COALITION, AUTHOR)
    with pytest.raises(FormatError):
        check_body(replace(body(1), commitments=()), entry, COALITION, AUTHOR)
    with pytest.raises(ConfigError):
        write_body({"type": "alarm"}, random.Random(0).randbytes)


def test_an_expiry_tells_only_its_class() -> None:
    day = 20_000 * 86_400
    assert {round_expiry(day + wanted, day + 77) for wanted in (1, 86_400, CLASSES[0])} == {day + CLASSES[0]}
    assert round_expiry(day + CLASSES[0] + 1, day) == day + CLASSES[1]
    with pytest.raises(ConfigError):
        round_expiry(day + CLASSES[2] + 1, day)


def test_a_box_file_reads_as_written() -> None:
    for wrong in (b"", b"tocsin-box/v1\nseed 00\n", BOXES[AUTHOR] + b"\n", BOXES[AUTHOR].upper()):
        with pytest.raises(FormatError):
            read_box(wrong)
