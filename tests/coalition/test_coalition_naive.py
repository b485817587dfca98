"""The fold against the plain one, on random histories and prefixes of them."""

from collections import Counter
from random import Random

from naive_fold import Fold
from plain_forms import State as Plain
from simulator import ROUNDS, history, second
from twin import Held, Twin, unsigned

from tocsin.coalition import Item, Known, State, state


def told(found: State, twin: Twin) -> Plain:
    """Say a state as the plain fold says it."""

    def times(items: tuple[Item, ...]) -> dict[tuple[str, int], int]:
        return {(i.origin, i.index): i.time for i in items}

    logs = {log.member.origin: log for log in found.logs}
    return Plain(
        chain=[twin.names[c.hash] for c in found.chain],
        waiting=set(found.waiting),
        keys={o: {use: key.split("+")[0] for use, key in log.keys} for o, log in logs.items()},
        ended={o: log.ended for o, log in logs.items() if log.ended is not None},
        frozen={o: log.frozen for o, log in logs.items() if log.frozen is not None},
        notices=times(found.notices),
        inquiries={(a.item.origin, a.item.index): a.status for a in found.inquiries},
        published=times(found.published),
        misconduct=set(found.misconduct),
    )


def compare(twin: Twin, held=None, rnd=None) -> Known:  # type: ignore[no-untyped-def]
    known, fold = twin.known(held), Fold(twin.world.first, twin.entries(held))
    assert [twin.names[c.hash] for c in known.chain] == [c.hash for c in fold.chain]
    for origin, timeline in known.times.items():
        for index in range(known.logs[origin].size):
            assert timeline.line().time(index) == fold.time(origin, index), (origin, index)
    stamped = sorted({s.time for t in known.times.values() for s in t.stamps}) or [0]
    rnd = rnd or Random(1)
    for time in [rnd.choice(stamped) + rnd.choice((-1, 0, 0, 1)) for _ in range(3)] + [second(ROUNDS + 1)]:
        assert told(state(known, time), twin) == fold.at(time), time
    return known


def holdings(twin: Twin, rnd: Random, *, branches: bool = True) -> Held:
    """Draw how much of each log somebody holds: of one branch, or of more, often nearly all."""
    found = {}
    for origin, books in twin.world.books.items():
        some = [n for n in range(len(books)) if branches and rnd.random() < 0.6]
        least = rnd.choice((0.0, 0.5, 0.8, 1.0))
        sizes = [(n, twin.size(origin, n)) for n in some or [rnd.randrange(len(books))]]
        found[origin] = [(n, rnd.randint(int(least * most), most)) for n, most in sizes]
    return found


def test_both_folds_say_the_same_of_histories_that_hold_what_they_are_for() -> None:
    """Each of these is rare enough that a change of the simulator could lose it unseen."""
    held: Counter[str] = Counter()
    with unsigned():
        for seed in range(30):
            rnd, twin = Random(seed), Twin(history(seed, rogue=seed % 4 == 0))
            known = compare(twin, rnd=rnd)
            found = state(known, second(ROUNDS + 1))
            held["decided twice"] += len(known.chain) > 2
            held["ended"] += any(log.ended is not None for log in found.logs)
            held["frozen"] += any(log.frozen is not None for log in found.logs)
            held["expired"] += any(stamp.late for line in known.times.values() for stamp in line.stamps)
            held["waits for a charter"] += any(line.stalled for line in known.times.values())
            held["two proved branches"] += bool(known.forked)
            held["misconduct"] += bool(found.misconduct)
            held["settled"] += state(known, second(2)).settled
            held |= Counter(asked.status for asked in found.inquiries)
    missing = {"decided twice", "ended", "frozen", "expired", "waits for a charter", "two proved branches"} - set(+held)
    assert not missing | ({"misconduct", "settled", "answered", "overdue"} - set(+held)), held
