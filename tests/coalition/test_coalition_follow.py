"""The state that is kept as logs grow is the one that the whole fold finds."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from coalition_worlds import Book, World, found, member, recovery, second, side, signer, told_time
from histories import History, histories
from hypothesis import given, settings
from hypothesis import strategies as st
from test_coalition_properties import MANY, TIMES

from tocsin.coalition import Follow, Known, Logged, LogReader, Member, Prefix, Stamped, learn, sign_statement, state
from tocsin.forms.errors import ConfigError
from tocsin.forms.statements import Key, Notice


@dataclass
class Growing:
    """A book of which more and more is read."""

    book: Book
    size: int = 0
    entries: list[Logged] = field(default_factory=list)
    stamps: list[Stamped] = field(default_factory=list)

    def grow(self, size: int) -> None:
        self.entries += [e for e in self.book.entries if self.size <= e.index < size]
        self.stamps += [s for s in self.book.stamps if self.size <= s.index < size]
        self.size = size

    def prefix(self) -> Prefix:
        return self.book.prefix(self.size)


class Reading:
    """Logs that come in parts; some before a charter names them."""

    def __init__(self, world: World) -> None:
        self.logs = {origin: Growing(book) for origin, book in world.books.items()}

    def opened(self, one: Member) -> Growing:
        return self.logs.setdefault(one.origin, Growing(Book(one.origin)))


FEWER = settings(MANY, max_examples=max(8, MANY.max_examples // 3))


@FEWER
@given(histories(), st.randoms())
def test_what_is_kept_is_what_the_whole_fold_finds(history: History, rnd: random.Random) -> None:
    reading = Reading(history.world)
    follow = Follow(history.world.first, reading.opened, told_time)
    steps = [origin for origin, book in history.world.books.items() for _ in range(book.size)]
    rnd.shuffle(steps)
    told, checks = 0, set(rnd.sample(range(len(steps)), min(2, len(steps)))) | {len(steps) - 1}
    for count, origin in enumerate(steps):
        log = reading.logs[origin]
        log.grow(log.size + 1)
        try:
            told += len(follow.advance(origin))
        except ConfigError:
            assert all(origin not in charter.members for charter in follow.chain)
        if count in checks:
            whole = history.known({o: one.size for o, one in reading.logs.items()})
            assert follow.chain == whole.chain
            assert all(follow.state(time) == state(whole, time) for time in TIMES)
    assert read(follow.known()) == read(whole)
    assert told >= len(state(whole, TIMES[-1]).notices)


def read(known: Known) -> tuple[object, ...]:
    """A log of which nothing was read may be there or not."""
    logs = {origin: log for origin, log in known.logs.items() if log.size}
    return known.chain, known.decisions, logs, {origin: known.times[origin] for origin in logs}


COALITION = "c" * 64


def entries() -> list[bytes]:
    """A log with a change of key in the midst of many statements, and copies, forgeries and noise."""

    def say(text: str, *names: str) -> bytes:
        return sign_statement(COALITION, Notice("log.a0.0", "run", text, 1), [signer(name) for name in names])

    change = Key("log.a0.0", "statement", signer("fresh").key.encode())
    made = [say(str(number), "statement.a0.0") for number in range(150)]
    made += [say("of the next key, too early", "fresh"), b"noise", made[3]]
    made += [sign_statement(COALITION, change, [signer("statement.a0.0"), recovery("a0")])]
    made += [say(str(number), "fresh") for number in range(150)] + [say("of the old key", "statement.a0.0")]
    return made


@pytest.mark.parametrize("part", [1, 7, 1000])
def test_a_log_reads_the_same_in_parts_and_in_threads(part: int) -> None:
    whole, given_all = LogReader(member("a0"), COALITION), entries()
    whole.feed(given_all)
    with ThreadPoolExecutor(3) as pool:
        reader = LogReader(member("a0"), COALITION, pool.map)
        for start in range(0, len(given_all), part):
            reader.feed(given_all[start : start + part])
    assert reader.prefix() == whole.prefix()
    assert len(whole.entries) == 301
    assert [e.index for e in whole.entries][150:152] == [153, 154]


def test_a_log_that_no_charter_names_is_refused() -> None:
    first = found([side("a", [member("a0")]), side("b", [member("b0")])])
    world = World(first)
    world.of("a0").stamp(first, second(0, 1))
    follow = Follow(first, Reading(world).opened, told_time)
    with pytest.raises(ConfigError):
        follow.advance("log.elsewhere")
    assert follow.state(second(1)) == state(learn(first, lambda _: [], told_time), second(1))
