"""The fold against the plain one, on random histories and prefixes of them."""

from coalition_worlds import told_time
from histories import History, histories
from hypothesis import given
from hypothesis import strategies as st
from naive_fold import Naive
from test_coalition_properties import MANY, TIMES

from tocsin.coalition import State, state
from tocsin.forms.statements import Vote


def told(found: State, double: set[tuple[str, int]]) -> dict[str, object]:
    return {
        "chain": [charter.hash for charter in found.chain],
        "notices": sorted((i.origin, i.index, i.time) for i in found.notices),
        "inquiries": sorted((a.item.origin, a.item.index, a.status) for a in found.inquiries),
        "misconduct": sorted(double),
        "settled": found.settled,
    }


@MANY
@given(histories(), st.data())
def test_both_folds_say_the_same(history: History, data: st.DataObject) -> None:
    sizes = history.sizes(data.draw)
    known = history.known(sizes)
    naive = Naive(history.world.first, {o: b.prefix(sizes[o]) for o, b in history.world.books.items()}, told_time)
    assert [c.hash for c in naive.chain] == [c.hash for c in known.chain]
    for origin, timeline in known.times.items():
        for index in range(known.logs[origin].size):
            assert timeline.line().time(index) == naive.time(origin, index)
    for time in TIMES[::2]:
        found = state(known, time)
        forms = {(o, e.index): e.form for o, log in known.logs.items() for e in log.entries}
        votes = [(origin, forms[origin, one]) for origin, one, _ in found.misconduct]
        double = {(origin, vote.round) for origin, vote in votes if isinstance(vote, Vote)}
        assert told(found, double) == naive.state(time)
