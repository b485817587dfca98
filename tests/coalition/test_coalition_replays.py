"""Attacks by showing a sealed body where it does not belong: in another's log, to another audience, by another hand."""

import pytest
from sealed_worlds import Room, alarm, terms

from tocsin.coalition import seal
from tocsin.forms.statements import Sealed

NOW = 1000


@pytest.fixture
def room() -> Room:
    return Room()


def entry(room: Room, digest: str, name: str, to: str) -> Sealed:
    """Make an entry for a body as the owner of a log would, for somebody."""
    origin = room.member(name).origin
    return seal(room.bodies[digest], origin, 1_900_000_000, [room.pair(name, to)], room.random.randbytes)


def test_a_body_copied_into_another_log_is_not_its_authors(room: Room) -> None:
    """a1 enters a0's alarm as its own; a0's log is withheld from b0, so that no copy is older."""
    agreement = room.agree(terms("a0", "a1", "b0"))
    digest = room.say("a0", alarm(agreement), ("b0",), at=10)
    room.world.of("a1").write(entry(room, digest, "a1", "b0"))
    room.stamp("a1", 20)
    agreed = room.world.books.pop("log.a0.0")
    shown = room.view("b0", NOW)
    room.world.books["log.a0.0"] = agreed
    assert shown.alarms == ()
    assert [one.why for one in shown.missing if one.origin == "log.a1.0" and one.index > 1] == [
        "its body is refused: the body names another author than its entry's"
    ]


def test_a_body_replayed_to_another_audience_is_refused(room: Room) -> None:
    """a0 said it to b0 alone; later an entry in a0's log calls b1, too, and somebody hands b1 the body."""
    digest = room.say("a0", alarm(room.agree(terms("a0", "b0", "b1"))), ("b0",), at=10)
    room.world.of("a0").write(entry(room, digest, "a0", "b1"))
    room.stamp("a0", 20)
    shown = room.view("b1", NOW)
    assert shown.alarms == ()
    assert [one.why for one in shown.missing] == ["its body is refused: the audience is another"]


def test_a_body_handed_on_opens_for_nobody_else(room: Room) -> None:
    """b0 leaks what it heard: a1 cannot pass it for something that was said to it."""
    digest = room.say("a0", alarm(room.agree(terms("a0", "a1", "b0"))), ("b0",), at=10)
    assert digest in room.bodies
    assert room.view("a1", NOW).alarms == ()
