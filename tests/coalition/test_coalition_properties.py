"""What must hold for any logs, any prefixes of them, in any order: one chain, fixed times, equal settled states.

Hypothesis draws a history as a number; the simulator makes of it sides of 1 to 5 members, two to four of them, liars,
clocks and forks. `make histories` runs 2,000 of them, `make soak` 20,000, with prefixes and orders drawn for each.
"""

import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from simulator import ROUNDS, history, second
from test_coalition_naive import compare, holdings
from twin import Held, Twin, unsigned

from tocsin.coalition import Known, state

SHORT = 25
CASES = int(os.environ.get("TOCSIN_CASES") or 0)
SEEDS = st.integers(0, 2**64 - 1)


def cases(number: int) -> settings:
    return settings(
        max_examples=CASES or number,
        deadline=None,
        database=None,
        derandomize=not CASES,  # continuous integration tries the same ones each time; longer runs look for others
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )


def check(seed: int) -> Twin:
    """Try all properties on one history; in every fourth, mirrors of all sides may cheat."""
    try:
        return _check(seed)
    except AssertionError as error:
        error.add_note(f"history {seed}")
        raise


def _check(seed: int) -> Twin:
    with unsigned():
        rnd, rogue = Random(seed), seed % 4 == 0
        twin = Twin(history(seed, rogue=rogue))
        compare(twin, holdings(twin, rnd), rnd)
        if not rogue:
            grows(twin, rnd)
            agree(twin, rnd)
        arrives(twin, rnd, rogue)
    return twin


@cases(SHORT)
@given(SEEDS)
def test_a_few_histories(seed: int) -> None:
    check(seed)


@pytest.mark.minutes
@pytest.mark.parametrize("quarter", range(4))  # so that two processes share them
@cases(500)
@given(seed=SEEDS)
def test_two_thousand_histories(quarter: int, seed: int) -> None:
    check(seed ^ quarter << 62)  # what Hypothesis draws is the same in each quarter


@pytest.mark.soak
@cases(20_000)
@given(SEEDS)
def test_twenty_thousand_histories(seed: int) -> None:
    check(seed)


def grows(twin: Twin, rnd: Random) -> None:
    """More of the logs decides at least as much, and changes no decision, no time, and no settled state."""
    held = holdings(twin, rnd, branches=False)
    part, whole = twin.known(held), twin.known({origin: more(twin, rnd, origin, had) for origin, had in held.items()})
    assert names(whole)[: len(part.chain)] == names(part)
    for origin, timeline in part.times.items():
        assert whole.times[origin].stamps[: len(timeline.stamps)] == timeline.stamps
    for time in times(whole, rnd):
        before = state(part, time)
        assert not before.settled or before == state(whole, time)


def agree(twin: Twin, rnd: Random) -> None:
    """Whatever two hold, of whichever branch: chains are comparable, and states that both call settled are equal."""
    one, two = (twin.known(holdings(twin, rnd)) for _ in range(2))
    shorter = min(len(one.chain), len(two.chain))
    assert names(one)[:shorter] == names(two)[:shorter]
    for time in times(one, rnd) + times(two, rnd):
        mine, other = state(one, time), state(two, time)
        assert not (mine.settled and other.settled) or mine == other


def arrives(twin: Twin, rnd: Random, rogue: bool) -> None:
    """Logs arrive piece by piece, in any order: the chain only grows, and what comes out at the end is the same."""
    branches = [(origin, n) for origin, books in twin.world.books.items() for n in range(len(books))]
    sizes = dict.fromkeys(branches, 0)
    decided = [twin.first]
    while short := [b for b in branches if sizes[b] < twin.size(*b)]:
        for branch in rnd.sample(short, rnd.randint(1, len(short))):
            sizes[branch] = min(twin.size(*branch), sizes[branch] + rnd.randint(1, 40))
        if rnd.random() < 0.4:
            rnd.shuffle(branches)
            now = names(twin.known(arrived(branches, sizes)))
            assert rogue or now[: len(decided)] == decided
            decided = now
    rnd.shuffle(branches)
    known = twin.known(arrived(branches, sizes))
    assert state(known, second(ROUNDS)) == state(twin.known(), second(ROUNDS))


def arrived(branches: list[tuple[str, int]], sizes: dict[tuple[str, int], int]) -> Held:
    held: Held = {}
    for origin, number in branches:
        held.setdefault(origin, []).append((number, sizes[origin, number]))
    return held


def more(twin: Twin, rnd: Random, origin: str, had: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Hold more of a branch, or all of it, and maybe see others."""
    longer = [(n, rnd.choice((most, rnd.randint(size, most)))) for n, size in had for most in [twin.size(origin, n)]]
    others = [n for n in range(len(twin.world.books[origin])) if n not in dict(had) and rnd.random() < 0.5]
    return longer + [(n, twin.size(origin, n)) for n in others]


def names(known: Known) -> list[str]:
    return [charter.hash for charter in known.chain]


def times(known: Known, rnd: Random) -> list[int]:
    """Draw times to ask for: most often where something happens."""
    stamped = [s.time for timeline in known.times.values() for s in timeline.stamps]
    return [rnd.choice(stamped or [0]) + rnd.choice((-1, 0, 0, 1)) for _ in range(3)] + [second(rnd.randint(0, ROUNDS))]
