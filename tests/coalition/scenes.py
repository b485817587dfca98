"""Scenarios as edits of the simulator: two sides of three members, two of each must agree, honest mirrors."""

from dataclasses import dataclass, replace

from plain_forms import Charter, Side
from plain_forms import State as Plain
from simulator import Book, World, follow, founding, member, second
from test_coalition_naive import compare, told
from twin import Held, Twin, unsigned

from tocsin.coalition import Known, state

ALL = ("a0", "a1", "a2", "b0", "b1", "b2")
QUORUM = ("a0", "a1", "b0", "b1")


@dataclass
class Seen:
    """What somebody computes from the logs that are shown."""

    twin: Twin
    known: Known

    @property
    def chain(self) -> list[str]:
        return [self.twin.names[charter.hash] for charter in self.known.chain]

    @property
    def forked(self) -> dict[str, int]:
        return dict(self.known.forked)

    def at(self, time: int) -> Plain:
        with unsigned():
            return told(state(self.known, time), self.twin)

    def time(self, origin: str, index: int) -> int | None:
        return self.known.times[origin].line().time(index)


def look(world: World, held: Held | None = None) -> Seen:
    """Compute, with both folds."""
    with unsigned():
        twin = Twin(world)
        known = twin.known(held)
        compare(twin, held)
    return Seen(twin, known)


def small_world() -> World:
    """One member a side."""
    return World(founding([Side(1, (member(f"{s}0"),)) for s in "ab"]))


def fresh_world() -> World:
    return World(founding([Side(2, tuple(member(f"{s}{i}") for i in range(3))) for s in "ab"]))


def prove(world: World, book: Book, now: int, charter: Charter | None = None, wish: int | None = None) -> None:
    """Stamp, and once more, so that the first stamp counts."""
    for _ in range(2):
        world.stamp(book, charter or world.first, now, wish=wish)


def votes(world: World, charter: Charter, names: tuple[str, ...], number: int = 0, at: int = 500) -> None:
    """Have members propose, vote and stamp in a round."""
    for name in names:
        book = world.of(name)
        book.propose(charter)
        book.vote(charter, number)
        prove(world, book, second(number, at))


def whole(world: World) -> Held:
    """All that there is now, of the first branches."""
    return {origin: [(0, len(books[0].entries))] for origin, books in world.books.items()}


def replaced(parent: Charter, end: tuple[str, int, str], *, sign: bool = True) -> Charter:
    """End the log of a0; it goes on in another."""
    one, *others = parent.sides
    members = (member("a0", 1), *one.members[1:])
    return replace(follow(parent, "replaced", sides=(Side(one.k, members), *others), sign=sign), ends=(end,))
