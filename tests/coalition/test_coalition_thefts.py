"""One scenario for each attack on logs and keys: what the thief or the owner does, and where it ends."""

from dataclasses import replace

import pytest
from plain_forms import Answer, Freeze, Inquiry, Notice, Side, root
from scenes import QUORUM, Seen, fresh_world, look, prove, replaced, votes, whole
from simulator import Book, World, follow, second

OTHERS = ("a1", "a2", "b0", "b1", "b2")


@pytest.fixture
def world() -> World:
    return fresh_world()


def ended(world: World, book: Book, size: int | None = None) -> tuple[str, int, str]:
    """End a log at a size, or where it is."""
    at = len(book.entries) if size is None else size
    return book.origin, at, root(book.entries, at)


def notices(seen: Seen, time: int) -> list[int]:
    return sorted(index for _, index in seen.at(time).notices)


def test_a_stolen_statement_key_ends_at_its_replacement(world: World) -> None:
    """The thief has it, and not the recovery key: its own replacement is none, and after the owner's it is nobody."""
    book = world.of("a0")
    book.rotate("statement.thief", recovery=False)
    book.write(Notice("by the new key of the thief"), signed="statement.thief")
    during = book.write(Notice("by the stolen key"))
    book.rotate("statement.fresh")
    book.write(Notice("by the stolen key, later"), signed=book.owner.statement)
    own = book.write(Notice("the owner's"))
    prove(world, book, second(0, 100))
    assert notices(look(world), second(1)) == [during, own]


def test_replay_into_another_coalition_log_or_place_counts_for_nothing(world: World) -> None:
    """Who has the log key alone enters old statements again, with a signature added to make them look new."""
    book, other = world.of("a0"), world.of("a1")
    good = book.write(Inquiry("log.b0.0", "was it you?", second(0, 500)))
    world.of("b0").write(Answer("log.a0.0", good, "a test"))
    book.write(Inquiry("log.b0.0", "was it you?", second(0, 501)), coalition="another")
    other.entries.append(book.entries[good])
    book.entries.append(book.entries[good])
    book.entries.append(replace(book.entries[good], signed=book.entries[good].signed | {"statement.thief"}))
    for one in (book, other, world.of("b0")):
        prove(world, one, second(0, 100))
    assert look(world).at(second(1)).inquiries == {("log.a0.0", good): "answered"}


def test_a_body_whose_author_is_not_the_logs_counts_for_nothing(world: World) -> None:
    book = world.of("a0")
    book.write(Notice("by another member"), signed="statement.a1.0")
    prove(world, book, second(0, 100))
    assert notices(look(world), second(1)) == []


def test_a_stolen_log_ends_at_a_size_and_what_the_thief_wrote_is_void(world: World) -> None:
    """The thief has all keys but the recovery key. What was so before the decision stays so."""
    book = world.of("a0")
    book.write(Notice("the owner's"))
    prove(world, book, second(0, 100))
    end = ended(world, book)
    theft = book.write(Notice("the thief's"))
    prove(world, book, second(0, 200))
    for name in OTHERS:
        prove(world, world.of(name), second(0, 190))
    before = look(world).at(second(0, 150))
    assert notices(look(world), second(0, 300)) == [0, theft]
    votes(world, replaced(world.first, end), ("a1", "a2", "b0", "b1"))
    assert notices(look(world), second(1)) == [0]
    assert notices(look(world), second(0, 300)) == [0, theft]
    assert look(world).at(second(0, 150)) == before
    assert not before.waiting


def test_a_thiefs_stamp_past_the_end_gives_no_time(world: World) -> None:
    """The owner's last words were not stamped when the log was lost; nobody can give them a time after its end."""
    book = world.of("a0")
    book.write(Notice("stamped"))
    prove(world, book, second(0, 100))
    book.write(Notice("not stamped"))
    end = ended(world, book)
    charter = replaced(world.first, end)
    votes(world, charter, ("a1", "a2", "b0", "b1"))
    for name in OTHERS:
        prove(world, world.of(name), second(2), charter)
    prove(world, world.of("a0", 1), second(2), charter)
    mirrored = look(world).at(second(1))
    prove(world, book, second(0, 700))
    assert look(world).at(second(1)) == mirrored
    assert not mirrored.waiting


def test_a_log_that_was_ended_where_it_was_lost_settles(world: World) -> None:
    """Else one statement without a stamp in a lost log would leave everything provisional for ever."""
    book = world.of("a0")
    prove(world, book, second(0, 100))
    book.write(Notice("never stamped"))
    charter = replaced(world.first, ended(world, book))
    votes(world, charter, ("a1", "a2", "b0", "b1"))
    assert look(world).at(second(1)).waiting == {*(f"log.{name}.0" for name in OTHERS), "log.a0.1"}
    for name in OTHERS:
        prove(world, world.of(name), second(2), charter)
    prove(world, world.of("a0", 1), second(2), charter)
    assert not look(world).at(second(1)).waiting


def test_an_owner_who_dates_a_theft_back_takes_back_no_decision(world: World) -> None:
    """a0 regrets its vote, says that its log was stolen before, and gets all to end it there."""
    charter = follow(world.first, "x")
    regretted = world.of("a0").write(Notice("regretted"))
    votes(world, charter, QUORUM)
    for name in ("a2", "b2"):
        prove(world, world.of(name), second(0, 600))
    for name in QUORUM:
        prove(world, world.of(name), second(0, 600))
    settled = look(world).at(second(0, 550))
    back = replaced(charter, ended(world, world.of("a0"), 0))
    for name in OTHERS:
        world.of(name).propose(back)
        world.of(name).vote(back, 1)
        prove(world, world.of(name), second(1, 500), charter)
    after = look(world)
    assert after.chain == ["c0", "c0/x", "c0/x/replaced"]
    assert after.at(second(0, 550)) == settled
    assert notices(after, second(0, 550)) == [regretted]
    assert notices(after, second(2)) == []


def test_a_log_that_was_ended_never_comes_back(world: World) -> None:
    """Its key may be the thief's."""
    book = world.of("a0")
    charter = replaced(world.first, ended(world, book))
    votes(world, charter, ("a1", "a2", "b0", "b1"))
    new, *others = charter.sides[0].members
    side = Side(2, (world.first.members[0], *others))
    back = replace(follow(charter, "back", sides=(side, charter.sides[1])), ends=((new.origin, 0, root((), 0)),))
    for name in OTHERS:
        world.of(name).propose(back)
        world.of(name).vote(back, 1)
        prove(world, world.of(name), second(1, 500), charter)
    assert look(world).chain == ["c0", "c0/replaced"]


def test_a_charter_ends_exactly_the_logs_that_it_drops(world: World) -> None:
    """Else a majority could cut off what a member has said, while it stays."""
    charter = replace(follow(world.first, "cut"), ends=(ended(world, world.of("a0")),))
    votes(world, charter, ("a0", *OTHERS))
    assert look(world).chain == ["c0"]


def test_a_freeze_in_malice_needs_the_recovery_key_and_unsays_nothing(world: World) -> None:
    book = world.of("a0")
    said = book.write(Notice("said before"))
    prove(world, book, second(0, 50))
    world.of("b0").write(Freeze("log.a0.0", "statement.b0.0"))
    prove(world, world.of("b0"), second(0, 100))
    assert look(world).at(second(1)).frozen == {}
    world.of("b1").write(Freeze("log.a0.0", "recovery.a0.0"))
    prove(world, world.of("b1"), second(0, 400))
    assert look(world).at(second(1)).frozen == {"log.a0.0": second(0, 400)}
    assert notices(look(world), second(1)) == [said]


def test_a_member_answers_in_the_log_that_it_has_got_since(world: World) -> None:
    """Else whoever steals a log makes its owner overdue."""
    asked = world.of("b0").write(Inquiry("log.a0.0", "was it you?", second(2)))
    charter = replaced(world.first, ended(world, world.of("a0")))
    votes(world, charter, ("a1", "a2", "b0", "b1"))
    world.of("a0", 1).write(Answer("log.b0.0", asked, "a test"))
    prove(world, world.of("a0", 1), second(1), charter)
    assert look(world).at(second(3)).inquiries == {("log.b0.0", asked): "answered"}


def branched(world: World) -> tuple[Book, Book]:
    """a0 keeps two logs that part at 1, and mirrors of every side cosign both."""
    for m in world.first.members:
        world.mirror(f"mirror.{m.name}.0").rogue = True
    book = world.of("a0")
    book.write(Notice("one"))
    other = book.branch(1)
    book.write(Notice("two"))
    other.write(Notice("three"))
    world.books[book.origin].append(other)
    for branch in (book, other):
        prove(world, branch, second(0, 100))
    return book, other


def test_two_proved_branches_stop_their_author(world: World) -> None:
    book, other = branched(world)
    sizes = [(0, len(book.entries)), (1, len(other.entries))]
    one, two = look(world, {book.origin: sizes}), look(world, {book.origin: sizes[::-1]})
    assert one.forked == two.forked == {book.origin: 1}
    assert one.known.logs == two.known.logs
    assert notices(one, second(1)) == []


def test_a_charter_that_ends_a_log_says_which_branch_it_was(world: World) -> None:
    book, other = branched(world)
    votes(world, replaced(world.first, ended(world, other)), ("a1", "a2", "b0", "b1"))
    both = look(world)
    assert notices(both, second(1)) == [0, 1]
    assert book.origin not in both.at(second(1)).waiting
    wrong = look(world, whole(world))
    assert book.origin in wrong.at(second(1)).waiting  # who holds the other branch only, waits


def test_voters_who_end_a_log_at_a_branch_that_their_mirrors_refused_undo_its_times(world: World) -> None:
    """What it takes: k of every side whose mirrors cosigned one branch, and who vote for the root of another."""
    book = world.of("a0")
    book.write(Notice("said"))
    prove(world, book, second(0, 100))
    other = book.branch(0)
    other.write(Notice("not said"))
    world.books[book.origin].append(other)
    for branch in (book, *(world.of(name) for name in OTHERS)):
        prove(world, branch, second(0, 900))
    before = look(world, whole(world)).at(second(0, 200))
    assert not before.waiting
    assert before.notices == {(book.origin, 0): second(0, 100)}
    votes(world, replaced(world.first, ended(world, other)), ("a1", "a2", "b0", "b1"), number=1)
    assert look(world).at(second(0, 200)).notices == {}
    for name in OTHERS:
        assert not world.mirror(f"mirror.{name}.0").holds(ended(world, other), world.books[book.origin])


def test_a_branch_without_a_quorum_stops_nobody(world: World) -> None:
    """Else whoever steals a log key alone could silence its owner."""
    book = world.of("a0")
    book.write(Notice("said"))
    prove(world, book, second(0, 100))
    thief = book.branch(0)
    thief.write(Notice("not said"))
    prove(world, thief, second(0, 200))  # honest mirrors refuse
    world.books[book.origin].append(thief)
    assert look(world).forked == {}
    assert notices(look(world), second(1)) == [0]
