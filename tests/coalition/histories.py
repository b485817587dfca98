"""Random histories: sides, members, liars, clocks, late reveals, and charters that compete, for Hypothesis to draw."""

from dataclasses import dataclass, replace

from coalition_worlds import Book, World, follow, found, member, second, side
from hypothesis import strategies as st

from tocsin.coalition import Charter, End
from tocsin.forms.statements import Answer, Inquiry, Notice


@dataclass
class History:
    world: World
    charters: list[Charter]

    def sizes(self, draw: st.DrawFn) -> dict[str, int]:
        return {origin: draw(st.integers(0, book.size)) for origin, book in sorted(self.world.books.items())}


@st.composite
def histories(draw: st.DrawFn) -> History:
    world = World(draw(foundings()))
    charters = draw(candidates(world.first))
    favourite = draw(st.lists(st.integers(0, len(charters) - 1), min_size=4, max_size=4))
    for origin in sorted({o for c in (world.first, *charters) for o in c.members}):
        draw(pages(world.book(origin), world.first, charters, favourite))
    return History(world, charters)


@st.composite
def foundings(draw: st.DrawFn) -> Charter:
    sides = []
    for name in "abcd"[: draw(st.integers(2, 4))]:
        members = [member(f"{name}{i}") for i in range(draw(st.sampled_from((1, 1, 2, 2, 3, 4, 5))))]
        sides.append(side(name, members, draw(st.integers(len(members) // 2 + 1, len(members)))))
    return found(sides, expiry=draw(st.sampled_from((10**9, second(2, 5)))))


@st.composite
def candidates(draw: st.DrawFn, first: Charter) -> list[Charter]:
    """Children and grandchildren of the first charter: good, unsigned, too early, and one that replaces a log."""
    made = [follow(first, "x"), follow(first, "y", start=draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        made.append(follow(first, "z", sign=False))
    if draw(st.booleans()):
        made.append(replaced(first, draw(st.integers(0, 6))))
    parents = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2))
    return made + [follow(p, f"next{i}", expiry=10**9) for i, p in enumerate(parents)]


def replaced(parent: Charter, size: int) -> Charter:
    """End the first log of the first side at a size; its author goes on in another."""
    one, *others = parent.text.sides
    lost = one.members[0]
    again = replace_member(one, member(lost.name, 1))
    return follow(parent, "r", sides=[again, *others], ends=[End(lost.origin, size, "0" * 64)])


def replace_member(one, new):  # type: ignore[no-untyped-def]
    return side(one.name, [new if m.name == new.name else m for m in one.members], one.k)


@st.composite
def pages(draw: st.DrawFn, book: Book, first: Charter, charters: list[Charter], favourite: list[int]) -> None:
    """Write a log: mostly what an honest member would, round after round, and now and then anything at all."""
    known = [first]
    for number in range(4):
        kind = draw(st.sampled_from(("honest", "honest", "honest", "silent", "odd")))
        liked = charters[favourite[number]]
        if kind == "silent":
            continue
        if draw(st.booleans()):
            book.propose(liked)
        chosen = liked if kind == "honest" else draw(st.sampled_from(charters))
        for _ in range(1 if kind == "honest" else draw(st.integers(0, 2))):
            book.vote(chosen, number if kind == "honest" else draw(st.integers(0, 4)))
            chosen = draw(st.sampled_from(charters))
        draw(words(book))
        if liked.text.parent == known[-1].hash and draw(st.booleans()):
            known.append(liked)
        times = (second(number, 3), second(number, 3), second(number, 9), second(number, 12), second(0, 1), None)
        for _ in range(draw(st.integers(0, 2))):
            named = draw(st.sampled_from((known[-1], known[-1], known[-1], *charters)))
            book.stamp(named, draw(st.sampled_from(times)), size=max(0, book.size - draw(st.sampled_from((0, 0, 1)))))


@st.composite
def words(draw: st.DrawFn, book: Book) -> None:
    if draw(st.booleans()):
        book.write(Notice(book.origin, "run", "a large run", 10**6))
    if draw(st.booleans()):
        book.write(Inquiry(book.origin, "log.a0.0", "what was this", second(2)))
        book.write(Answer(book.origin, "log.b0.0", draw(st.integers(0, 4)), "a test"))


__all__ = ["History", "histories", "replace"]
