"""One scenario for each attack on the chain and on time: what the attacker does, and where it ends."""

from dataclasses import replace

import pytest
from plain_forms import Answer, Inquiry, Notice, Side, Stamp, root
from scenes import ALL, QUORUM, fresh_world, look, prove, replaced, small_world, votes, whole
from simulator import NEVER, World, follow, founding, member, second


@pytest.fixture
def world() -> World:
    return fresh_world()


def test_an_honest_vote_decides(world: World) -> None:
    votes(world, follow(world.first, "x"), QUORUM)
    assert look(world).chain == ["c0", "c0/x"]


def test_a_split_vote_decides_nothing_and_the_next_round_does(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("a2", "b1"))
    assert look(world).chain == ["c0"]
    votes(world, two, QUORUM, number=1)
    assert look(world).chain == ["c0"]  # b2 may still hold a vote of round 0 for `one`
    prove(world, world.of("b2"), second(1))
    assert look(world).chain == ["c0", "c0/two"]


def test_a_vote_revealed_late_reopens_nothing(world: World) -> None:
    """b2 has voted in round 0, stamped, and shows it only after another charter had the votes of round 1."""
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("b1",))
    votes(world, two, QUORUM, number=1)
    before = look(world).chain
    votes(world, one, ("b2",))
    assert look(world).chain[: len(before)] == before
    assert look(world).chain == ["c0", "c0/one"]


def test_a_charter_that_nobody_has_seen_may_still_win(world: World) -> None:
    """As before, but the text of `one` is withheld too: only its hash is known, from votes."""
    one, two = follow(world.first, "one"), follow(world.first, "two")
    for name in ("a0", "a1", "b0"):
        world.of(name).vote(one, 0)
        prove(world, world.of(name), second(0, 500))
    votes(world, two, ("b1",))
    votes(world, two, QUORUM, number=1)
    before = look(world).chain
    votes(world, one, ("b2",))
    assert look(world).chain[: len(before)] == before


def test_a_vote_for_a_round_that_is_over_counts_for_nothing(world: World) -> None:
    """b1 enters its vote for round 0 in round 1."""
    votes(world, follow(world.first, "x"), ("a0", "a1", "b0"))
    world.of("b1").vote(follow(world.first, "x"), 0)
    prove(world, world.of("b1"), second(1, 100))
    assert look(world).chain == ["c0"]


def test_a_vote_backdated_by_a_later_stamp_counts_for_nothing(world: World) -> None:
    """Mirrors that all lie give it an old time, after the log has had a newer one."""
    charter = follow(world.first, "x")
    votes(world, charter, ("a0", "a1", "b0"))
    prove(world, world.of("b1"), second(1, 100))
    world.of("b1").vote(charter, 0)
    for member_ in world.first.members:
        world.mirror(f"mirror.{member_.name}.0").rogue = True
    prove(world, world.of("b1"), second(1, 200), wish=second(0, 500))
    assert look(world).chain == ["c0"]


def test_mirrors_of_one_side_cannot_backdate(world: World) -> None:
    """All mirrors of b say that it was still round 0; those of a tell the time."""
    charter = follow(world.first, "x")
    votes(world, charter, ("a0", "a1", "b0"))
    for name in ("b0", "b1", "b2"):
        world.mirror(f"mirror.{name}.0").rogue = True
    world.of("b1").vote(charter, 0)
    prove(world, world.of("b1"), second(1, 50), wish=second(0, 999))
    assert look(world).chain == ["c0"]


def test_a_clock_that_is_ahead_moves_no_time(world: World) -> None:
    """One mirror dates a notice into the future; the quorum does without it."""
    world.mirror("mirror.a2.0").rogue = True
    book = world.of("b1")
    book.write(Notice("a run"))
    prove(world, book, second(0, 100), wish=second(4))
    assert look(world).time(book.origin, 0) == second(0, 100)


def test_a_second_vote_in_a_round_counts_for_nothing_and_shows_its_author(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("b1", "b2"))
    world.of("b1").vote(one, 0)
    prove(world, world.of("b1"), second(0, 800))
    assert look(world).chain == ["c0"]
    assert look(world).at(second(1)).misconduct == {("log.b1.0", 1, 4)}


def test_a_second_vote_after_expiry_shows_its_author_too() -> None:
    first = founding([Side(1, (member(f"{s}0"),)) for s in "ab"], expiry=second(0, 200))
    world = World(first)
    votes(world, follow(first, "one", expiry=NEVER), ("a0",))
    votes(world, follow(first, "two", expiry=NEVER), ("a0",), at=600)
    assert look(world).at(second(1)).misconduct == {("log.a0.0", 1, 5)}


def test_one_side_alone_decides_nothing(world: World) -> None:
    votes(world, follow(world.first, "x"), ("a0", "a1", "a2", "b0"))
    assert look(world).chain == ["c0"]


def test_half_of_a_side_can_never_be_enough(world: World) -> None:
    """Were k one of two, each half could decide without the other, and readers of either would part for ever."""
    half = Side(1, (member("a0"), member("a1")))
    gone = ("log.a2.0", 0, root((), 0))
    charter = replace(follow(world.first, "half", sides=(half, world.first.sides[1])), ends=(gone,))
    votes(world, charter, ALL)
    assert look(world).chain == ["c0"]


def test_two_charters_that_are_both_valid_do_not_both_succeed(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, QUORUM)
    votes(world, two, QUORUM, number=1)
    assert look(world).chain == ["c0", "c0/one"]


def test_a_charter_without_its_new_members_consent_does_not_succeed(world: World) -> None:
    votes(world, replaced(world.first, ("log.a0.0", 0, root((), 0)), sign=False), ALL)
    assert look(world).chain == ["c0"]


def test_a_charter_that_is_not_due_does_not_succeed(world: World) -> None:
    """Its own successor could be voted only later than itself: rounds between would be judged by nobody."""
    votes(world, follow(world.first, "late", start=2), ALL)
    assert look(world).chain == ["c0"]


def test_rounds_cannot_be_made_shorter_to_vote_again(world: World) -> None:
    votes(world, follow(world.first, "short", round=10), ALL)
    assert look(world).chain == ["c0"]


def test_an_expired_charter_lets_only_its_successor_through() -> None:
    world = small_world()
    world.first = replace(world.first, expiry=second(0, 200))
    charter = follow(world.first, "x", expiry=NEVER)
    world.of("a0").write(Notice("after the end"))
    votes(world, charter, ("a0", "b0"))
    assert look(world).chain == ["c0", "c0/x"]
    assert look(world).at(second(1)).notices == {}
    prove(world, world.of("a0"), second(0, 800), charter)
    assert look(world).at(second(1)).notices == {("log.a0.0", 0): second(0, 800)}


def test_a_stalled_side_stalls_and_returns(world: World) -> None:
    charter = follow(world.first, "x")
    votes(world, charter, ("a0", "a1", "a2", "b0"))
    for number in (1, 2):
        votes(world, charter, ("a0", "a1", "b0"), number=number)
    assert look(world).chain == ["c0"]
    votes(world, charter, ("b1",), number=2)
    assert look(world).chain == ["c0", "c0/x"]


def test_a_side_whose_mirrors_are_silent_stops_the_clock_and_nothing_else(world: World) -> None:
    book = world.of("a0")
    book.write(Notice("a run"))
    for _ in range(2):
        world.stamp(book, world.first, second(0, 100), away=("b1", "b2"))
    assert look(world).time(book.origin, 0) is None
    prove(world, book, second(2))
    assert look(world).time(book.origin, 0) == second(2)


def test_a_stamp_of_a_charter_that_will_never_be_harms_its_author_only(world: World) -> None:
    charter = follow(world.first, "x")
    world.stamp(world.of("a2"), follow(charter, "y"), second(0, 100))
    votes(world, charter, ("a2", *QUORUM))
    assert look(world).chain == ["c0", "c0/x"]


def test_a_stamp_of_a_charter_not_yet_known_does_not_let_a_later_one_count(world: World) -> None:
    charter = follow(world.first, "x")
    book = world.of("a2")
    book.write(Notice("a run"))
    prove(world, book, second(0, 400), charter)
    prove(world, book, second(0, 600))
    before = look(world).time(book.origin, 0)
    votes(world, charter, QUORUM)
    assert (before, look(world).time(book.origin, 0)) == (None, second(0, 400))


def test_a_stamp_that_is_shown_to_some_only_gives_no_time(world: World) -> None:
    """b1 has its vote cosigned in time, shows that stamp to one reader, and to all others none before round 1.

    No mirror lies: all hold the same entries. Were the first reader to count the stamp, it would take for decided what
    the others see fail.
    """
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("b2",))
    told = world.of("b1")
    told.propose(one)
    told.vote(one, 0)
    shown = told.branch(2)
    world.stamp(shown, world.first, second(0, 900))
    world.books[told.origin].append(shown)
    early = whole(world) | {told.origin: [(1, 3)]}
    votes(world, two, QUORUM, number=1)
    others = look(world, whole(world)).chain
    assert others == ["c0", "c0/two"]
    assert look(world, early).chain in (others, others[:1])
    assert look(world).chain == others


def test_a_stamp_by_mirrors_that_were_retired_counts_for_nothing(world: World) -> None:
    """After a change of keys, the old ones are stolen: they cosign under the old charter what they like."""
    changed = tuple(replace(m, mirrors=frozenset({f"mirror.{m.name}.new"})) for m in world.first.sides[0].members)
    charter = follow(world.first, "x", sides=(Side(2, changed), world.first.sides[1]))
    votes(world, charter, ALL)
    book = world.of("a0")
    prove(world, book, second(1), charter)
    at = book.write(Notice("the thief's"))
    prove(world, book, second(2))
    assert look(world).time(book.origin, at) is None


def test_two_keys_of_one_mirror_are_not_two_mirrors() -> None:
    """One operator of side a signs with both of its keys; the other two stay away."""
    members = tuple(member(f"a{i}", twofold=True) for i in range(3))
    world = World(founding([Side(2, members), Side(1, (member("b0"),))]))
    book = world.book(members[0])
    book.write(Notice("a run"))
    for _ in range(2):
        world.stamp(book, world.first, second(0, 100), away=("a1", "a2"))
    assert look(world).time(book.origin, 0) is None


def test_a_stamp_of_other_entries_than_those_before_it_counts_for_nothing(world: World) -> None:
    """A checkpoint of another branch, cosigned by rogue mirrors of every side, is entered in this one."""
    book = world.of("a0")
    book.write(Notice("said"))
    other = book.branch(0)
    other.write(Notice("not said"))
    for m in world.first.members:
        world.mirror(f"mirror.{m.name}.0").rogue = True
    book.write(Stamp(0, "c0", 1, root(other.entries, 1), tuple(world.cosign(other, world.first, second(0, 100)))))
    prove(world, book, second(0, 800))
    assert look(world).time(book.origin, 0) == second(0, 800)


def test_who_joins_later_changes_no_settled_state(world: World) -> None:
    """Its log was written and stamped long before; what stands there begins to count when it joins."""
    elk = member("elk")
    book = world.book(elk)
    one, other = world.first.sides
    charter = follow(world.first, "x", sides=(Side(3, (*one.members, elk)), other))
    book.write(Notice("before"))
    prove(world, book, second(0, 50), charter)
    for name in ALL:
        prove(world, world.of(name), second(0, 300))
    before = look(world).at(second(0, 200))
    votes(world, charter, ALL)
    after = look(world)
    assert (before.waiting, after.at(second(0, 200))) == (set(), before)
    assert after.at(second(1)).notices == {("log.elk.0", 0): second(0, 50)}


def test_a_state_is_not_settled_in_the_second_of_the_last_stamp(world: World) -> None:
    """Another statement may yet get the same second."""
    for name in ALL:
        prove(world, world.of(name), second(0, 300))
    assert look(world).at(second(0, 300)).waiting
    world.of("a0").write(Notice("in the same second"))
    prove(world, world.of("a0"), second(0, 300))
    assert look(world).at(second(0, 300)).notices == {("log.a0.0", 2): second(0, 300)}
    assert not look(world).at(second(0, 299)).waiting


def test_an_answer_by_another_or_too_late_leaves_an_inquiry_overdue(world: World) -> None:
    asked = world.of("a0").write(Inquiry("log.b0.0", "was it you?", second(1)))
    prove(world, world.of("a0"), second(0, 100))
    for name, number in (("b1", 0), ("b0", 1)):
        answer(world, name, asked)
        prove(world, world.of(name), second(number, 500))
    assert look(world).at(second(2)).inquiries == {("log.a0.0", asked): "overdue"}
    assert look(world).at(second(0, 900)).inquiries == {("log.a0.0", asked): "open"}


def answer(world: World, name: str, index: int, life: int = 0) -> None:
    world.of(name, life).write(Answer("log.a0.0", index, "a test"))
