"""A member's view, rule by rule: what it hears, what it does not, and why."""

import msgspec
import pytest
from sealed_worlds import DAY, START, SUBJECT, Room, alarm, box, founding, terms

from tocsin.coalition import Heard, Stamped, View, read_box, view
from tocsin.forms.bodies import (
    Agreement,
    Ending,
    Opinion,
    PrivateAnswer,
    PrivateInquiry,
    Receipt,
    Retraction,
    Sighting,
)
from tocsin.forms.errors import ConfigError
from tocsin.ledger import Note

NOW = 1000


@pytest.fixture
def room() -> Room:
    return Room()


def only(shown: View) -> Heard:
    (one,) = shown.alarms
    return one


def status(room: Room, at: int = NOW, name: str = "b0", **more: object) -> str:
    return only(room.view(name, at, **more)).status  # type: ignore[arg-type]


def agreed(room: Room, *parties: str, **more: object) -> str:
    return room.agree(terms(*(parties or ("a0", "b0")), **more))


def test_an_alarm_under_an_agreement_is_heard_by_its_addressee_and_sealed_for_others(room: Room) -> None:
    room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    assert status(room) == "heard"
    assert status(room, name="a0") == "heard"
    other = room.view("b1", NOW)
    assert (other.alarms, other.agreements, other.missing) == ((), (), ())
    assert {one.why for one in other.sealed} == {"sealed"} and len(other.sealed) == 3


def test_what_has_no_body_is_shown_as_sealed_and_missed_by_its_addressee_alone(room: Room) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    shown = room.view("b0", NOW, lacks=(digest,))
    assert shown.alarms == ()
    assert [(one.origin, one.index) for one in shown.missing] == [("log.a0.0", 2)]


def test_a_body_shown_to_somebody_else_opens_nothing(room: Room) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    assert digest in room.bodies  # a leak: everybody holds all bodies here
    assert room.view("a1", NOW).alarms == ()


def test_an_alarm_without_time_waits(room: Room) -> None:
    room.say("a0", alarm(agreed(room)), ("b0",))
    assert status(room) == "waiting"
    room.stamp("a0", NOW + 5)
    assert room.view("b0", NOW).alarms == ()  # it is not there yet
    assert status(room, NOW + 5) == "heard"


@pytest.mark.parametrize("quorum", ["all", "parties"])
def test_under_the_parties_mirrors_alone_an_alarm_stays_in_shadow(room: Room, quorum: str) -> None:
    room.say("a0", alarm(agreed(room, quorum=quorum)), ("b0",))
    room.stamp_partly("a0", 10)
    assert status(room) == ("shadow" if quorum == "parties" else "waiting")
    room.stamp("a0", 20)
    assert status(room) == "heard"


OUTSIDE = {
    "kind": {"kind": "M05"},
    "class": {"detail": '{"fingerprint":{}}'},
    "agreement": {"agreement": "9" * 64},
    "retention": {"expiry": START + 181 * DAY},
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_no_agreement_allows_is_not_heard(room: Room, what: str) -> None:
    room.say("a0", alarm(**{"agreement": agreed(room), **OUTSIDE[what]}), ("b0",), at=10)  # type: ignore[arg-type]
    assert status(room) == "outside"


def test_an_audience_beyond_the_parties_is_not_heard(room: Room) -> None:
    room.say("a0", alarm(agreed(room)), ("b0", "b1"), at=10)
    assert status(room) == "outside"


def test_an_agreement_holds_once_every_party_has_accepted_the_same_terms(room: Room) -> None:
    one = terms("a0", "b0")
    room.agree(one, parties=("a0",))
    room.agree(terms("a0", "b0", retention=9), parties=("b0",))
    room.say("a0", alarm(one.hash), ("b0",), at=10)
    assert status(room) == "outside"
    assert {a.status(START + NOW) for a in room.view("b0", NOW).agreements} == {"offered"}
    room.agree(one, at=20, parties=("b0",))
    assert status(room) == "outside"  # it was not in force then
    assert {a.status(START + NOW) for a in room.view("b0", NOW).agreements} == {"offered", "in force"}


def test_acceptance_by_one_who_is_no_party_or_behind_a_partys_back_counts_for_nothing(room: Room) -> None:
    three = terms("a0", "b0", "b1")
    room.agree(three, parties=("a0", "b0"))
    room.say("b1", Agreement(three.encode()), ("a0",), at=3)
    room.say("a1", Agreement(three.encode()), ("a0", "b0"), at=3)
    (found,) = room.view("a0", NOW).agreements
    assert (found.status(START + NOW), [one.author for one in found.accepted]) == ("offered", ["a0", "b0"])


def test_an_ending_ends_for_all_and_what_was_sent_before_stays(room: Room) -> None:
    name = agreed(room)
    room.say("a0", alarm(name), ("b0",), at=10)
    room.say("b0", Ending(name, ""), ("a0",), at=20)
    room.say("a0", alarm(name, severity=1), ("b0",), at=30)
    shown = room.view("b0", NOW)
    assert [one.status for one in shown.alarms] == ["heard", "outside"]
    assert shown.faults == ()  # nothing shows that a0 knew
    assert shown.agreements[0].status(START + NOW) == "ended"


@pytest.mark.parametrize("missing", [True, False])
def test_a_sender_is_at_fault_only_where_its_own_log_shows_that_it_knew(room: Room, missing: bool) -> None:
    name = agreed(room)
    room.say("b0", Ending(name, ""), ("a0",), at=20)
    room.anchor("a0", "b0", missing=(2,) if missing else ())
    room.say("a0", alarm(name), ("b0",), at=30)
    assert len(room.view("b0", NOW).faults) == (0 if missing else 1)


def test_an_anchor_after_the_alarm_shows_no_fault_and_one_of_another_tree_neither(room: Room) -> None:
    name = agreed(room)
    room.say("b0", Ending(name, ""), ("a0",), at=20)
    room.say("a0", alarm(name), ("b0",), at=30)
    room.anchor("a0", "b0", at=40)
    assert room.view("b0", NOW).faults == ()


def test_whoever_ends_an_agreement_knows_it(room: Room) -> None:
    name = agreed(room)
    room.say("a0", Ending(name, ""), ("b0",), at=20)
    room.say("a0", alarm(name), ("b0",), at=30)
    assert [(f.alarm.author, f.anchor) for f in room.view("b0", NOW).faults] == [("a0", None)]


@pytest.mark.parametrize("before", [True, False])
def test_a_retraction_works_wherever_it_stands(room: Room, before: bool) -> None:
    """The digest of an alarm can be known to its author before its entry is there."""
    name = agreed(room)
    digest = room.say("a0", alarm(name), ("b0",), at=10)
    if before:
        entries = room.world.of("a0").entries
        room.say("a0", Retraction(digest, ""), ("b0",), at=20)
        one, two = (next(e for e in entries if e.index == i) for i in (2, 4))
        entries[entries.index(one)] = msgspec_like(one, two.form)
        entries[entries.index(two)] = msgspec_like(two, one.form)
    else:
        room.say("a0", Retraction(digest, ""), ("b0",), at=20)
    assert status(room) == "retracted"


def msgspec_like(entry: object, form: object) -> object:
    return type(entry)(entry.index, form)  # type: ignore[attr-defined, call-arg]


def test_only_its_author_takes_back_an_alarm(room: Room) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    room.say("b0", Retraction(digest, ""), ("a0",), at=20)
    assert status(room) == "heard"


def test_a_retraction_that_waits_for_its_time_stops_the_alarm(room: Room) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    room.say("a0", Retraction(digest, ""), ("b0",))
    assert status(room) == "stopped"


def test_a_later_version_replaces_and_a_tombstone_beats_it(room: Room) -> None:
    name = agreed(room)
    first = room.say("a0", alarm(name), ("b0",), at=10)
    room.say("a0", alarm(name, severity=5, replaces=first), ("b0",), at=20)
    assert [one.status for one in room.view("b0", NOW).alarms] == ["replaced", "heard"]
    room.say("a0", Retraction(first, ""), ("b0",), at=30)
    assert [one.status for one in room.view("b0", NOW).alarms] == ["retracted", "retracted"]


def test_a_tombstone_beats_later_versions_of_what_is_no_longer_held(room: Room) -> None:
    name = agreed(room)
    first = room.say("a0", alarm(name), ("b0",), at=10)
    room.say("a0", alarm(name, severity=5, replaces=first), ("b0",), at=20)
    room.say("a0", Retraction(first, ""), ("b0",), at=30)
    assert [one.status for one in room.view("b0", NOW, lacks=(first,)).alarms] == ["retracted"]


def test_a_version_that_is_not_heard_replaces_nothing(room: Room) -> None:
    name = agreed(room)
    first = room.say("a0", alarm(name), ("b0",), at=10)
    room.say("a0", alarm(name, kind="M05", replaces=first), ("b0",), at=20)
    assert [one.status for one in room.view("b0", NOW).alarms] == ["heard", "outside"]


def test_nobody_replaces_anothers_alarm(room: Room) -> None:
    name = agreed(room)
    first = room.say("a0", alarm(name), ("b0",), at=10)
    room.say("b0", alarm(name, replaces=first), ("a0",), at=20)
    assert [one.status for one in room.view("b0", NOW).alarms] == ["heard", "heard"]


def test_alarms_beyond_the_days_budget_are_not_heard() -> None:
    room = Room(founding(budget=2))
    name = agreed(room)
    for number in range(3):
        room.say("a0", alarm(name, severity=number + 1), ("b0",), at=10 + number)
    room.say("a0", alarm(name, severity=4), ("b0",), at=DAY)
    assert [one.status for one in room.view("b0", DAY + 1).alarms] == ["heard", "heard", "surplus", "heard"]


def test_an_alarm_expires(room: Room) -> None:
    room.say("a0", alarm(agreed(room), expiry=START + 50), ("b0",), at=10)
    assert (status(room, 49), status(room, 50)) == ("heard", "expired")


def test_a_log_that_is_not_fresh_has_no_effect_until_it_is_cosigned_again(room: Room) -> None:
    room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    assert (status(room, 10 + DAY), status(room, 11 + DAY)) == ("heard", "stale")
    served = Stamped(4, 4, 0, room.first.hash, Note(f"{START + DAY}\n", ()))
    assert status(room, 11 + DAY, served={"log.a0.0": served}) == "heard"


def test_opinions_and_sightings_are_registers_and_a_tombstone_empties_them(room: Room) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    room.say("b0", Opinion(digest, "agree", ""), ("a0",), at=20)
    last = room.say("b0", Opinion(digest, "disagree", ""), ("a0",), at=21)
    seen = room.say("b0", Sighting(SUBJECT, 4, START, digest), ("a0",), at=22)
    shown = room.view("a0", NOW)
    assert [one.form for one in shown.opinions] == [Opinion(digest, "disagree", "")]
    assert [one.digest for one in shown.sightings] == [seen]
    for target in (last, seen):
        room.say("b0", Retraction(target, ""), ("a0",), at=30)
    assert (room.view("a0", NOW).opinions, room.view("a0", NOW).sightings) == ((), ())


def independent(room: Room, name: str = "a0") -> tuple[str, ...]:
    return room.view(name, NOW).alarms[0].independent


def test_who_saw_it_before_hearing_of_it_corroborates(room: Room) -> None:
    name = agreed(room, "a0", "b0", "b1")
    room.say("b0", Sighting(SUBJECT, 4, START, ""), ("a0", "b1"), at=5)
    room.say("a0", alarm(name), ("b0", "b1"), at=5)
    assert independent(room) == ("a0", "b0")
    assert room.view("b1", NOW).alarms[0].sides == ("a", "b")


@pytest.mark.parametrize("derived", [True, False])
def test_an_echo_counts_for_nothing_whether_it_says_so_or_not(room: Room, derived: bool) -> None:
    digest = room.say("a0", alarm(agreed(room)), ("b0",), at=10)
    room.say("b0", Sighting(SUBJECT, 4, START, digest if derived else ""), ("a0",), at=11)
    room.say("b0", alarm(room.view("b0", NOW).agreements[0].hash), ("a0",), at=12)
    assert independent(room) == ("a0",)


def test_an_echo_that_is_stamped_first_shows_itself_by_its_anchor(room: Room) -> None:
    """The alarm lacks its stamp for a while; who hears it under the parties' mirrors, anchors it and echoes it."""
    name = agreed(room, quorum="parties")
    room.say("a0", alarm(name), ("b0",))
    room.stamp_partly("a0", 5)
    room.anchor("b0", "a0")
    room.say("b0", Sighting(SUBJECT, 4, START, ""), ("a0",), at=8)
    room.stamp("a0", 10)
    assert independent(room) == ("a0",)


def test_who_was_not_told_is_no_echo_and_a_retracted_source_still_is_one(room: Room) -> None:
    one, two = agreed(room), room.agree(terms("a0", "b1"), at=2)
    digest = room.say("a0", alarm(one), ("b0",), at=10)
    room.say("b0", Sighting(SUBJECT, 4, START, ""), ("a0",), at=11)
    room.say("b1", alarm(two), ("a0",), at=12)
    assert independent(room) == ("a0", "b1")
    room.say("a0", Retraction(digest, ""), ("b0",), at=20)
    assert independent(room) == ("b1",)


def test_a_sighting_of_none_undoes_the_one_before(room: Room) -> None:
    name = agreed(room)
    room.say("b0", Sighting(SUBJECT, 4, START, ""), ("a0",), at=5)
    room.say("a0", alarm(name), ("b0",), at=6)
    assert independent(room) == ("b0",)  # a0 heard it before it spoke
    room.say("b0", Sighting(SUBJECT, 0, START, ""), ("a0",), at=7)
    assert independent(room) == ()


def test_private_inquiries_are_answered_open_or_overdue_for_each_addressee(room: Room) -> None:
    digest = room.say("a0", PrivateInquiry("was this yours?", START + 50), ("b0", "b1"), at=10)
    room.say("b0", PrivateAnswer(digest, "no"), ("a0",), at=20)
    room.say("b1", PrivateAnswer(digest, "yes"), ("a0",), at=60)
    asked = {at: {q.to: q.status for q in room.view("a0", at).questions} for at in (50, 51)}
    assert asked == {50: {"b0": "answered", "b1": "open"}, 51: {"b0": "answered", "b1": "overdue"}}
    assert [
        q.to for q in room.view("b1", 51).questions if q.answers
    ] == []  # not told of b0's answer, nor of its own late one


def test_who_has_shown_to_hold_a_body(room: Room) -> None:
    digest = room.say("a0", PrivateInquiry("?", START + 50), ("a1", "b0", "b1"), at=10)
    room.say("b0", Receipt(digest), ("a0",), at=20)
    room.anchor("b1", "a0", at=20)
    room.anchor("a1", "a0", missing=(0,), at=20)
    (one,) = room.view("a0", NOW).receipts
    assert one.by == ("b0", "b1")


def test_a_box_key_of_nobody_is_refused(room: Room) -> None:
    with pytest.raises(ConfigError):
        view(room.known(), START, [], [read_box(box("nobody"))])


def test_the_view_does_not_depend_on_the_order_of_bodies(room: Room) -> None:
    name = agreed(room)
    for number in range(3):
        room.say("a0", alarm(name, severity=number + 1), ("b0",), at=10 + number)
    keys, known, bodies = [read_box(box("b0"))], room.known(), list(room.bodies.values())
    assert view(known, START + NOW, bodies, keys) == view(known, START + NOW, bodies[::-1], keys)
    assert msgspec.structs.asdict(alarm(name))["subject"] == SUBJECT
