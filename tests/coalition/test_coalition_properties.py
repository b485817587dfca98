"""What must hold for any logs, any prefixes of them, in any order: one chain, fixed times, equal settled states."""

import os
import random

from coalition_worlds import second
from histories import History, histories
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tocsin.coalition import Known, state

MANY = settings(
    max_examples=int(os.environ.get("TOCSIN_CASES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    phases=[Phase.explicit, Phase.generate],
)
TIMES = (second(0), second(0, 9), second(1, 5), second(2, 5), second(3, 5), second(5))


def names(known: Known) -> list[str]:
    return [charter.hash for charter in known.chain]


@MANY
@given(histories(), st.data())
def test_what_is_known_only_grows(history: History, data: st.DataObject) -> None:
    """A later prefix decides at least what an earlier one does, changes no time, and no settled state."""
    whole = history.known()
    part = history.known(history.sizes(data.draw))
    assert names(whole)[: len(part.chain)] == names(part)
    for origin, timeline in part.times.items():
        assert whole.times[origin].stamps[: len(timeline.stamps)] == timeline.stamps
    for time in TIMES:
        before, after = state(part, time), state(whole, time)
        assert not before.settled or before == after


@MANY
@given(histories(), st.data())
def test_any_two_holders_chains_are_comparable(history: History, data: st.DataObject) -> None:
    one, two = (names(history.known(history.sizes(data.draw))) for _ in range(2))
    shorter = min(len(one), len(two))
    assert one[:shorter] == two[:shorter]


@MANY
@given(histories(), st.randoms())
def test_the_order_of_arrival_does_not_matter(history: History, rnd: random.Random) -> None:
    """Sizes grow one log at a time, in any order; what comes out at the end is the same."""
    sizes = dict.fromkeys(history.world.books, 0)
    steps = [origin for origin, book in history.world.books.items() for _ in range(book.size)]
    rnd.shuffle(steps)
    decided: list[str] = [history.world.first.hash]
    for count, origin in enumerate(steps):
        sizes[origin] += 1
        if count % 5 == 0:
            now = names(history.known(dict(rnd.sample(list(sizes.items()), len(sizes)))))
            assert now[: len(decided)] == decided
            decided = now
    assert state(history.known(sizes), second(5)) == state(history.known(), second(5))
