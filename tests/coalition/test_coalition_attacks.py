"""One scenario for each attack on the chain and on time: what the attacker does, and where it ends."""

from base64 import b64encode

import pytest
from coalition_worlds import World, follow, forked, found, life_of, member, recovery, second, side, signer, told_time

from tocsin.coalition import End, Known, Prefix, Side, freeze_message, learn, read_log, sign_statement, state
from tocsin.coalition.charter import Charter, parse_charter
from tocsin.forms.errors import FormatError
from tocsin.forms.statements import Freeze, Key, Notice

NAMES = ("a0", "a1", "a2", "b0", "b1", "b2")


@pytest.fixture
def world() -> World:
    """Two sides of three, two of each must agree."""
    return World(found([side(s, [member(f"{s}{i}") for i in range(3)]) for s in "ab"]))


def known(world: World) -> Known:
    return learn(world.first, world.logs(), told_time)


def votes(world: World, charter: Charter, names: tuple[str, ...], number: int = 0, at: int = 5) -> None:
    for name in names:
        book = world.of(name)
        book.propose(charter)
        book.vote(charter, number)
        book.stamp(world.first, second(number, at))


def test_an_honest_vote_decides(world: World) -> None:
    charter = follow(world.first)
    votes(world, charter, ("a0", "a1", "b0", "b1"))
    assert [c.hash for c in known(world).chain] == [world.first.hash, charter.hash]


def test_a_split_vote_decides_nothing_and_the_next_round_does(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("a2", "b1"))
    assert len(known(world).chain) == 1
    votes(world, two, ("a0", "a1", "b0", "b1"), number=1)
    assert len(known(world).chain) == 1  # b2 may still hold a vote of round 0 for `one`
    world.of("b2").stamp(world.first, second(1, 0))
    assert known(world).charter.hash == two.hash


def test_a_vote_revealed_late_reopens_nothing(world: World) -> None:
    """b2 has voted in round 0, stamped, and shows it only after another charter had the votes of round 1."""
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("b1",))
    votes(world, two, ("a0", "a1", "b0", "b1"), number=1)
    assert len(known(world).chain) == 1
    votes(world, one, ("b2",))
    assert known(world).charter.hash == one.hash


def test_votes_backdated_by_their_author_count_for_nothing(world: World) -> None:
    """A vote entered in round 1 for round 0 has the time of its stamp."""
    charter = follow(world.first)
    votes(world, charter, ("a0", "a1", "b0"))
    book = world.of("b1")
    book.vote(charter, 0)
    book.stamp(world.first, second(1, 1))
    book.stamp(world.first, second(0, 5))
    assert len(known(world).chain) == 1


def test_a_second_vote_in_a_round_counts_for_nothing_and_shows_its_author(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0"))
    votes(world, two, ("b1", "b2"))
    world.of("b1").vote(one, 0)
    world.of("b1").stamp(world.first, second(0, 8))
    found_now = known(world)
    assert len(found_now.chain) == 1
    assert [m[0] for m in state(found_now, second(1)).misconduct] == ["log.b1.0"]


def test_one_side_alone_decides_nothing(world: World) -> None:
    votes(world, follow(world.first), ("a0", "a1", "a2", "b0"))
    assert len(known(world).chain) == 1


def test_a_charter_of_less_than_half_is_refused() -> None:
    with pytest.raises(FormatError, match="asks for 1 of 2"):
        parse_charter(found([Side("a", 1, [member("a0"), member("a1")]), side("b", [member("b0")])]).encode())


def test_two_charters_that_are_both_valid_do_not_both_succeed(world: World) -> None:
    one, two = follow(world.first, "one"), follow(world.first, "two")
    votes(world, one, ("a0", "a1", "b0", "b1"))
    votes(world, two, ("a0", "a1", "b0", "b1"), number=1)
    assert known(world).charter.hash == one.hash


def test_a_charter_without_its_new_members_consent_does_not_succeed(world: World) -> None:
    votes(world, replaced(world.first, sign=False), NAMES)
    assert len(known(world).chain) == 1


def test_an_expired_charter_lets_only_its_successor_through() -> None:
    world = World(found([side(s, [member(f"{s}0")]) for s in "ab"], expiry=second(0, 2)))
    charter = follow(world.first, expiry=10**9)
    world.of("a0").write(Notice("log.a0.0", "run", "after the end", 10**9))
    votes(world, charter, ("a0", "b0"))
    assert known(world).charter.hash == charter.hash
    assert state(known(world), second(1)).notices == ()
    world.of("a0").stamp(charter, second(0, 8))
    assert [n.time for n in state(known(world), second(1)).notices] == [second(0, 8)]


def test_a_stalled_side_stalls_and_returns(world: World) -> None:
    charter = follow(world.first)
    votes(world, charter, ("a0", "a1", "a2", "b0"))
    for number in (1, 2):
        votes(world, charter, ("a0", "a1", "b0"), number=number)
    assert len(known(world).chain) == 1
    votes(world, charter, ("b1",), number=2)
    assert known(world).charter.hash == charter.hash


def replaced(parent: Charter, size: int = 1, *, sign: bool = True) -> Charter:
    one, *others = parent.text.sides
    members = [member("a0", 1), *one.members[1:]]
    return follow(parent, sides=[Side("a", one.k, members), *others], ends=[End("log.a0.0", size, "0" * 64)], sign=sign)


def test_a_stolen_log_ends_at_a_size_and_what_the_thief_wrote_is_void(world: World) -> None:
    book = world.of("a0")
    book.write(Notice(book.origin, "run", "the owner's", 10**9))
    book.stamp(world.first, second(0, 1))
    book.write(Notice(book.origin, "run", "the thief's", 10**9))
    book.stamp(world.first, second(0, 2))
    assert len(state(known(world), second(0, 3)).notices) == 2
    votes(world, replaced(world.first), ("a1", "a2", "b0", "b1"))
    assert [n.index for n in state(known(world), second(1)).notices] == [0]
    assert len(state(known(world), second(0, 3)).notices) == 2  # what was so then stays so


def test_a_stall_by_an_unknown_charter_harms_its_author_only(world: World) -> None:
    charter = follow(world.first)
    world.of("a2").stamp(follow(charter), second(0, 1))
    votes(world, charter, ("a2",))
    votes(world, charter, ("a0", "a1", "b0", "b1"))
    assert known(world).charter.hash == charter.hash


def test_a_stamp_of_a_charter_not_yet_known_does_not_let_a_later_one_count(world: World) -> None:
    charter = follow(world.first)
    book = world.of("a2")
    book.write(Notice(book.origin, "run", "a run", 10**9))
    book.stamp(charter, second(0, 5))
    book.stamp(world.first, second(0, 6))
    before = known(world).times[book.origin].line().time(0)
    votes(world, charter, ("a0", "a1", "b0", "b1"))
    after = known(world).times[book.origin].line().time(0)
    assert (before, after) == (None, second(0, 5))


def test_two_proved_branches_stop_their_author(world: World) -> None:
    """Only 2k-n cheating mirrors in every side can cosign both."""
    book = world.of("a0")
    for text in ("one", "two"):
        book.write(Notice(book.origin, "run", text, 10**9))
    other = forked(book, 1, "fork")
    other.write(Notice(book.origin, "run", "three", 10**9))
    for branch in (book, other):
        branch.stamp(world.first, second(0, 1))

    def logs(one):  # type: ignore[no-untyped-def]
        return [book.prefix(), other.prefix()] if one.origin == book.origin else []

    found_now = learn(world.first, logs, told_time)
    assert found_now.forked == {book.origin: 1}
    turned = learn(world.first, lambda one: logs(one)[::-1], told_time)
    assert turned.logs == found_now.logs


COALITION = "c" * 64


def read(*entries: bytes) -> Prefix:
    return read_log(member("a0"), COALITION, entries)


def said(text: str, *keys: str, coalition: str = COALITION, origin: str = "log.a0.0") -> bytes:
    signers = [signer(key) for key in keys or ("statement.a0.0",)]
    return sign_statement(coalition, Notice(origin, "run", text, 1), signers)


def test_replay_into_another_coalition_or_log_or_twice_counts_for_nothing() -> None:
    good = said("good")
    prefix = read(good, good, said("x", coalition="d" * 64), said("x", origin="log.a1.0"), said("x", "log.a0.0"))
    assert (prefix.size, [e.index for e in prefix.entries]) == (5, [0])


def test_a_body_whose_author_is_not_the_logs_counts_for_nothing() -> None:
    assert read(said("x", "statement.a1.0")).entries == ()


def test_a_stolen_statement_key_ends_at_its_replacement() -> None:
    fresh = Key("log.a0.0", "statement", signer("fresh").key.encode())
    alone = sign_statement(COALITION, fresh, [signer("statement.a0.0")])
    both = sign_statement(COALITION, fresh, [signer("statement.a0.0"), recovery("a0")])
    late, own = said("the thief's"), said("the owner's", "fresh")
    assert [e.index for e in read(alone, late, both, said("late again"), own).entries] == [1, 2, 4]


def test_a_freeze_in_malice_needs_the_recovery_key(world: World) -> None:
    message = freeze_message(world.first.hash, "log.a0.0")
    for name, key in (("b0", signer("statement.b0.0")), ("b1", recovery("a0"))):
        book = world.of(name)
        book.write(Freeze(book.origin, "log.a0.0", b64encode(key.private.sign(message)).decode()))
        book.stamp(world.first, second(0, 1 if name == "b0" else 4))
    frozen = {log.member.origin: log.frozen for log in state(known(world), second(1)).logs if log.frozen}
    assert frozen == {"log.a0.0": second(0, 4)}
    assert life_of(member("a0")) == 0
