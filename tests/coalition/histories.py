"""Random histories: sides, members, liars, clocks, late reveals, and charters that compete, for Hypothesis to draw."""

from dataclasses import dataclass, field

from coalition_worlds import Book, World, follow, found, member, second, side, told_time
from hypothesis import strategies as st

from tocsin.coalition import Charter, End, Known, Side, learn
from tocsin.coalition.chain import Judged
from tocsin.forms.statements import Answer, Inquiry, Notice

ROUNDS = 5
KINDS = ("honest",) * 8 + ("silent", "late", "double", "other", "ahead", "odd")


@dataclass
class History:
    """A world, and what was found of its proposals, so that signatures are checked once."""

    world: World
    judged: Judged = field(default_factory=dict, repr=False)

    def known(self, sizes: dict[str, int] | None = None) -> Known:
        return learn(self.world.first, self.world.logs(sizes), told_time, self.judged)

    def sizes(self, draw: st.DrawFn) -> dict[str, int]:
        """Draw how much of each log somebody holds: often nearly all."""
        least = draw(st.sampled_from((0, 0, 5, 10)))
        sized = sorted(self.world.books.items())
        return {origin: draw(st.integers(min(least, book.size), book.size)) for origin, book in sized}


@st.composite
def histories(draw: st.DrawFn) -> History:
    history = History(World(draw(foundings())))
    calm = draw(st.booleans())
    for number in range(ROUNDS):
        head = history.known().chain[-1]
        choices = draw(candidates(head, number))
        for origin in head.members:
            kind = "honest" if calm and draw(st.booleans()) else draw(st.sampled_from(KINDS))
            draw(pages(history.world.book(origin), kind, head, choices, number))
    return history


@st.composite
def foundings(draw: st.DrawFn) -> Charter:
    sides = []
    for name in "abcd"[: draw(st.sampled_from((2, 2, 3, 4)))]:
        members = [member(f"{name}{i}") for i in range(draw(st.sampled_from((1, 1, 2, 2, 3, 3, 4, 5))))]
        sides.append(side(name, members, draw(st.integers(len(members) // 2 + 1, len(members)))))
    return found(sides, expiry=draw(st.sampled_from((10**9, 10**9, second(1, 5)))))


@st.composite
def candidates(draw: st.DrawFn, head: Charter, number: int) -> list[Charter]:
    """Charters that compete: the first is what most want; others are as good, unsigned, not yet due, or a new log."""
    start = draw(st.integers(head.text.start, max(head.text.start, number)))
    made = [follow(head, "x", start=start, expiry=10**9), follow(head, "y", expiry=10**9)]
    kind = draw(st.sampled_from(("none", "unsigned", "early", "replaced", "replaced first")))
    if kind == "unsigned":
        made.append(follow(head, "z", sign=False))
    if kind == "early":
        made.append(follow(head, "late", start=number + 2))
    if kind == "replaced":
        made.append(replaced(head, draw(st.integers(0, 9)), f"r{number}"))
    if kind == "replaced first":
        made.insert(0, replaced(head, draw(st.integers(0, 9)), f"r{number}"))
    return made


def replaced(parent: Charter, size: int, standard: str) -> Charter:
    """End the first log of the first side at a size; its author goes on in another."""
    one, *others = parent.text.sides
    lost = one.members[0]
    life = int(lost.origin.rsplit(".", 1)[1]) + 1
    members = [member(lost.name, life), *one.members[1:]]
    return follow(parent, standard, sides=[Side(one.name, one.k, members), *others], ends=[end(lost.origin, size)])


def end(origin: str, size: int) -> End:
    return End(origin, size, "0" * 64)


@st.composite
def pages(draw: st.DrawFn, book: Book, kind: str, head: Charter, choices: list[Charter], number: int) -> None:
    """Write a member's round."""
    if kind == "silent":
        return
    if draw(st.integers(0, 3)) < 3:
        book.propose(choices[0])
    draw(words(book))
    voted = {"other": choices[-1], "odd": draw(st.sampled_from(choices))}.get(kind, choices[0])
    book.vote(voted, number + (1 if kind == "ahead" else 0))
    if kind == "double":
        book.vote(choices[1], number)
    if kind == "odd":
        draw(oddities(book, head, choices, number))
    if kind != "late":
        book.stamp(head, second(number, draw(st.integers(2, 5))))
    book.stamp(head, second(number, draw(st.sampled_from((8, 9, 11, 12)))))
    draw(words(book))


@st.composite
def oddities(draw: st.DrawFn, book: Book, head: Charter, choices: list[Charter], number: int) -> None:
    """Do what no honest member does."""
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(("vote", "propose", "back", "bare", "short", "next")))
        if what == "vote":
            book.vote(draw(st.sampled_from(choices)), draw(st.integers(0, ROUNDS)))
        if what == "propose":
            book.propose(draw(st.sampled_from(choices)))
        if what in ("back", "bare"):
            book.stamp(head, second(0, 1) if what == "back" else None)
        if what == "short":
            book.stamp(head, second(number, 2), size=book.size // 2)
        if what == "next":
            book.stamp(draw(st.sampled_from(choices)), second(number, 2))


@st.composite
def words(draw: st.DrawFn, book: Book) -> None:
    what = draw(st.sampled_from(("", "", "notice", "inquiry", "answer")))
    if what == "notice":
        book.write(Notice(book.origin, "run", "a large run", 10**6))
    if what == "inquiry":
        book.write(Inquiry(book.origin, draw(st.sampled_from(("log.a0.0", "log.b0.0"))), "what was this", second(2)))
    if what == "answer":
        asker = draw(st.sampled_from(("log.a0.0", "log.b0.0")))
        book.write(Answer(book.origin, asker, draw(st.integers(0, 9)), "a test"))
