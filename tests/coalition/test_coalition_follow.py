"""The state that is kept as logs grow is the one that the whole fold finds."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

import pytest
from coalition_worlds import found, member, recovery, side, signer
from hypothesis import given
from simulator import ROUNDS, history, second
from test_coalition_properties import SEEDS, cases, times
from twin import Twin, cut, unsigned

from tocsin.coalition import Follow, Known, Logged, LogReader, Prefix, Stamped, learn, sign_statement, state
from tocsin.forms.errors import ConfigError
from tocsin.forms.statements import Key, Notice


@dataclass
class Growing:
    """A log of which more and more is read."""

    whole: Prefix
    size: int = 0
    entries: list[Logged] = field(default_factory=list)
    stamps: list[Stamped] = field(default_factory=list)

    def grow(self, size: int) -> None:
        self.entries += [e for e in self.whole.entries if self.size <= e.index < size]
        self.stamps += [s for s in self.whole.stamps if self.size <= s.index < size]
        self.size = size

    def prefix(self) -> Prefix:
        return cut(self.whole, self.size)


def nothing(origin: str) -> Growing:
    return Growing(Prefix(origin, 0, (), ()))


@cases(10)
@given(SEEDS)
def test_what_is_kept_is_what_the_whole_fold_finds(seed: int) -> None:
    shown = second(ROUNDS + 1)
    with unsigned():
        rnd, twin = Random(seed), Twin(history(seed))
        logs = {origin: Growing(twin.prefix(origin, 0)) for origin in twin.world.books}
        known = twin.known({})
        follow = Follow(known.charter, lambda one: logs.setdefault(one.origin, nothing(one.origin)), twin.clock)
        told = 0
        while short := [log for log in logs.values() if log.size < log.whole.size]:
            log = rnd.choice(short)
            log.grow(min(log.whole.size, log.size + rnd.randint(1, 15)))
            try:
                told += len(follow.advance(log.whole.origin))
            except ConfigError:
                assert all(log.whole.origin not in charter.members for charter in follow.chain)
            if rnd.random() < 0.1 or len(short) == 1:
                known = twin.known({o: [(0, one.size)] for o, one in logs.items() if o in twin.world.books})
                assert follow.chain == known.chain
                assert all(follow.state(time) == state(known, time) for time in [*times(known, rnd), shown])
        assert read(follow.known()) == read(known)
        assert told >= len(state(known, shown).notices)


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
    made += [say(f"{number} again", "fresh") for number in range(150)] + [say("of the old key", "statement.a0.0")]
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
    follow = Follow(first, lambda one: nothing(one.origin))
    with pytest.raises(ConfigError):
        follow.advance("log.elsewhere")
    assert follow.state(second(1)) == state(learn(first, lambda _: []), second(1))
