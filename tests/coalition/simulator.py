"""A coalition simulated: members who keep their word or do not, mirrors with clocks, charters that compete.

All is drawn from one source of chance, so that a history is its seed. In one side at least all are trusty: its mirrors
are honest, and its members vote to end a log only at what their own mirror holds. So no log branches with a quorum, and
none is ended at another branch than its quorum's; `rogue` histories drop both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from naive_fold import Fold
from plain_forms import (
    MONDAY,
    Answer,
    Charter,
    Entry,
    Freeze,
    Inquiry,
    Key,
    Member,
    Notice,
    Proposal,
    Report,
    Side,
    Stamp,
    Vote,
    root,
)

ROUND = 1000
ROUNDS = 4
NEVER = 10**9
KINDS = ("honest",) * 9 + ("silent", "late", "double", "other", "ahead", "odd", "odd", "turncoat")
COALITION = "c0"


def second(number: int, offset: int = 0) -> int:
    """Tell a second of a round."""
    return MONDAY + number * ROUND + offset


def member(name: str, life: int = 0, *, twofold: bool = False) -> Member:
    """A member; each life has a log and keys of its own."""
    own = f"{name}.{life}"
    mirrors = {f"mirror.{own}"} | ({f"mirror6.{own}"} if twofold else set())
    return Member(name, f"log.{own}", f"recovery.{own}", f"statement.{own}", frozenset(mirrors), f"box.{own}")


def founding(sides: Sequence[Side], expiry: int = NEVER, start: int = 0) -> Charter:
    signed = frozenset(m.recovery for side in sides for m in side.members)
    return Charter(COALITION, 0, "", start, expiry, tuple(sides), "s0", round=ROUND, signed=signed)


def follow(parent: Charter, name: str, *, sign: bool = True, **changes: object) -> Charter:
    """A charter that may follow `parent`; `name` tells it from others of its version."""
    made = replace(parent, version=parent.version + 1, parent=parent.hash, standard=name, ends=(), **changes)
    signed = frozenset(m.recovery for m in made.members) if sign else frozenset({"nobody"})
    return replace(made, hash=f"{parent.hash}/{name}", signed=signed)


@dataclass
class Mirror:
    """A mirror: an honest one signs what continues what it holds, with its clock; a rogue one signs anything."""

    key: str
    skew: int = 0
    rogue: bool = False
    held: dict[str, tuple[int, str]] = field(default_factory=dict)

    def cosign(self, book: "Book", size: int, now: int, wish: int | None) -> int | None:
        """Give the time of a cosignature, or None."""
        if self.rogue:
            return now + self.skew if wish is None else wish
        had, proved = self.held.get(book.origin, (0, root((), 0)))
        if size < had or root(book.entries, had) != proved:
            return None
        self.held[book.origin] = size, root(book.entries, size)
        return now + self.skew

    def holds(self, end: tuple[str, int, str], books: Sequence["Book"]) -> bool:
        """Tell whether a log may end there for all that this mirror knows; if so, it holds it from now on."""
        origin, size, proved = end
        had, was = self.held.get(origin, (0, root((), 0)))
        for entries in (book.entries for book in books):
            if max(size, had) <= len(entries) and root(entries, size) == proved and root(entries, had) == was:
                self.held[origin] = max((had, was), (size, proved))
                return True
        return False


@dataclass
class Book:
    """One branch of a log, as its author writes it."""

    owner: Member
    entries: list[Entry] = field(default_factory=list)
    statement: str = ""

    def __post_init__(self) -> None:
        self.statement = self.statement or self.owner.statement

    @property
    def origin(self) -> str:
        return self.owner.origin

    def write(self, body: object, *, signed: str = "", coalition: str = COALITION, origin: str = "") -> int:
        keys = frozenset({signed or self.statement})
        self.entries.append(Entry(body, coalition, origin or self.origin, keys))
        return len(self.entries) - 1

    def rotate(self, key: str, *, recovery: bool = True) -> None:
        """Replace the statement key; without the recovery key it stays as it was."""
        keys = frozenset({self.statement} | ({self.owner.recovery} if recovery else set()))
        self.entries.append(Entry(Key("statement", key), COALITION, self.origin, keys))
        if recovery:
            self.statement = key

    def propose(self, charter: Charter) -> int:
        return self.write(Proposal(charter))

    def vote(self, charter: Charter, number: int) -> int:
        return self.write(Vote(charter.parent, number, charter.hash))

    def stamp(self, charter: Charter, cosigned: Sequence[tuple[str, int]], size: int | None = None) -> int:
        at = len(self.entries) if size is None else size
        return self.write(Stamp(charter.version, charter.hash, at, root(self.entries, at), tuple(cosigned)))

    def branch(self, at: int) -> "Book":
        """Part from this branch at an index."""
        return Book(self.owner, self.entries[:at], self.statement)


@dataclass
class World:
    """A first charter, everybody's logs, and the mirrors."""

    first: Charter
    books: dict[str, list[Book]] = field(default_factory=dict)
    mirrors: dict[str, Mirror] = field(default_factory=dict)

    def book(self, owner: Member) -> Book:
        return self.books.setdefault(owner.origin, [Book(owner)])[0]

    def of(self, name: str, life: int = 0) -> Book:
        return self.book(member(name, life))

    def mirror(self, key: str) -> Mirror:
        return self.mirrors.setdefault(key, Mirror(key))

    def cosign(
        self, book: Book, charter: Charter, now: int, *, wish: int | None = None, away: frozenset[str] = frozenset()
    ) -> list[tuple[str, int]]:
        """Ask the mirrors of a charter; those of members in `away` do not answer."""
        size = len(book.entries)
        asked = [self.mirror(key) for m in charter.members if m.name not in away for key in sorted(m.mirrors)]
        given = [(mirror.key, mirror.cosign(book, size, now, wish)) for mirror in asked]
        return [(key, time) for key, time in given if time is not None]

    def stamp(
        self, book: Book, charter: Charter, now: int, *, wish: int | None = None, away: Sequence[str] = ()
    ) -> None:
        """Enter a stamp with all the cosignatures that are to be had."""
        book.stamp(charter, self.cosign(book, charter, now, wish=wish, away=frozenset(away)))

    def logs(self) -> dict[str, list[list[Entry]]]:
        return {origin: [branch.entries for branch in branches] for origin, branches in self.books.items()}


@dataclass
class Drawn:
    """Draws a history, round by round."""

    rnd: Random
    rogue: bool = False
    world: World = field(init=False)

    def __post_init__(self) -> None:
        sides = []
        for name in "abcd"[: self.rnd.choice((2, 2, 3, 4))]:
            members = [
                member(f"{name}{i}", twofold=self.rnd.random() < 0.2)
                for i in range(self.rnd.choice((1, 1, 2, 2, 3, 3, 4, 5)))
            ]
            sides.append(Side(self.rnd.randint(len(members) // 2 + 1, len(members)), tuple(members)))
        expiry = self.rnd.choice((NEVER, NEVER, NEVER, second(self.rnd.randint(0, 3), self.rnd.randint(0, 999))))
        self.world = World(founding(sides, expiry))
        self.trusty = self.rnd.choice("abcd"[: len(sides)])
        self.calm = self.rnd.random() < 0.6
        self.away = 0.005 if self.calm else 0.1
        self.heads = [self.world.first]

    def draw(self) -> World:
        for number in range(ROUNDS):
            head = self.rnd.choice(self.heads[-2:]) if self.rnd.random() < 0.1 else self.heads[-1]
            choices = self.candidates(head, number)
            acts = [(self.rnd.randint(0, 500), i, m) for i, m in enumerate(head.members)]
            for now, _, author in sorted(acts):
                self.page(author, head, choices, number, now)
            self.heads = Fold(self.world.first, self.world.logs()).chain
        return self.world

    # -- mirrors

    def meet(self, charter: Charter) -> None:
        """Give each mirror a clock and, except in the trusty side, a character."""
        for m in charter.members:
            for key in sorted(m.mirrors):
                if key not in self.world.mirrors:
                    rogue = (self.rogue or m.name[0] != self.trusty) and self.rnd.random() < (
                        0.8 if self.rogue else 0.2
                    )
                    self.world.mirrors[key] = Mirror(
                        key, self.rnd.choice((*(0, 1, -1, 30, -30) * (9 if self.calm else 2), 130)), rogue
                    )

    def stamp(self, book: Book, charter: Charter, now: int, wish: int | None = None) -> None:
        self.meet(charter)
        away = [m.name for m in charter.members if self.rnd.random() < self.away]
        self.world.stamp(book, charter, now, wish=wish, away=away)

    def vote(self, book: Book, charter: Charter, number: int) -> None:
        """Vote, but not in the trusty side for the end of a log where the own mirror holds another branch."""
        if self.rogue or book.owner.name[0] != self.trusty or all(self.fits(book.owner, end) for end in charter.ends):
            book.vote(charter, number)

    def fits(self, owner: Member, end: tuple[str, int, str]) -> bool:
        books = self.world.books.get(end[0]) or [Book(owner)]
        return all(self.world.mirror(key).holds(end, books) for key in sorted(owner.mirrors))

    # -- charters

    def candidates(self, head: Charter, number: int) -> list[Charter]:
        """Charters that compete; the first is what most want."""
        start = self.rnd.randint(head.start, max(head.start, number))
        made = [follow(head, f"x{number}", start=start, expiry=NEVER), follow(head, f"y{number}", expiry=NEVER)]
        names = ("joined", "replaced", "replaced", "left", "rekeyed", "wrong", "plain")
        odd = getattr(self, self.rnd.choice(names))
        place = self.rnd.choice((1, 2) if odd == self.wrong else (0, 0, 0, 1, 2))
        made.insert(place, odd(head, number))
        return made

    def plain(self, head: Charter, number: int) -> Charter:
        return follow(head, f"p{number}", start=number, expiry=second(number, self.rnd.randint(0, 2500)))

    def joined(self, head: Charter, number: int) -> Charter:
        """One more member in some side."""
        at = self.rnd.randrange(len(head.sides))
        old = head.sides[at]
        members = (*old.members, member(f"{old.members[0].name[0]}{5 + number}"))
        return self.with_side(head, at, members, f"j{number}", sign=self.rnd.random() < 0.8)

    def replaced(self, head: Charter, number: int) -> Charter:
        """A member's log ends, at a size that is so or is not; it goes on in another."""
        at = self.rnd.randrange(len(head.sides))
        old = head.sides[at]
        lost = self.rnd.choice(old.members)
        life = int(lost.origin.rsplit(".", 1)[1]) + self.rnd.choice((1, 1, 1, 1, 0))
        fresh = member(lost.name, life) if life else replace(lost, statement="statement.other")
        members = tuple(fresh if m is lost else m for m in old.members)
        return self.with_side(head, at, members, f"r{number}", self.rnd.random() < 0.9)

    def left(self, head: Charter, number: int) -> Charter:
        at = max(range(len(head.sides)), key=lambda i: len(head.sides[i].members))
        members = head.sides[at].members
        return self.with_side(head, at, members[1:] or members, f"l{number}")

    def rekeyed(self, head: Charter, number: int) -> Charter:
        """Another mirror or box for somebody, who consents or not; or a log that was ended comes back."""
        at = self.rnd.randrange(len(head.sides))
        one, *others = head.sides[at].members
        gone = [m for c in self.heads for m in c.members if m.name == one.name and m.origin not in head.origins]
        changed = replace(
            one, **self.rnd.choice(({"mirrors": frozenset({f"mirror.{one.name}.n{number}"})}, {"box": "b"}))
        )
        fresh = self.rnd.choice(gone) if gone else changed
        return self.with_side(head, at, (fresh, *others), f"k{number}", sign=self.rnd.random() < 0.6)

    def wrong(self, head: Charter, number: int) -> Charter:
        """What no vote can make valid."""
        side = replace(head.sides[0], k=len(head.sides[0].members) // 2)
        return self.rnd.choice(
            (
                follow(head, f"w{number}", start=number + 2),
                follow(head, f"w{number}", round=ROUND // 2),
                follow(head, f"w{number}", start=head.start - 1) if head.start else follow(head, f"w{number}", round=7),
                follow(head, f"w{number}", sides=(side, *head.sides[1:])),
                replace(follow(head, f"w{number}"), version=head.version + 2),
                replace(follow(head, f"w{number}"), ends=((head.members[0].origin, 0, root((), 0)),)),
            )
        )

    def with_side(self, head: Charter, at: int, members: Sequence[Member], name: str, sign: bool = True) -> Charter:
        k = self.rnd.randint(len(members) // 2 + 1, len(members))
        sides = tuple(Side(k, tuple(members)) if i == at else side for i, side in enumerate(head.sides))
        made = follow(head, name, sides=sides, sign=sign, expiry=NEVER)
        return replace(made, ends=tuple(self.end(origin) for origin in sorted(head.origins - made.origins)))

    def end(self, origin: str) -> tuple[str, int, str]:
        """End a log, mostly where it is now."""
        branches = self.world.books.get(origin) or [Book(member("nobody"))]
        entries = self.rnd.choice(branches).entries
        size = self.rnd.choice((len(entries), len(entries), self.rnd.randint(0, len(entries))))
        return origin, size, root(entries, size) if self.rnd.random() < 0.95 else "0" * 64

    # -- members

    def page(self, author: Member, head: Charter, choices: list[Charter], number: int, now: int) -> None:
        """Write a member's round; one that has two branches writes on one of them."""
        kind = "honest" if self.calm and self.rnd.random() < 0.92 else self.rnd.choice(KINDS)
        kind = "turncoat" if self.rogue and self.rnd.random() < 0.1 else kind
        book = self.rnd.choice([self.world.book(author), *self.world.books[author.origin][1:]])
        if kind == "silent":
            return
        if self.rnd.random() < 0.75:
            book.propose(self.rnd.choice((*choices[:1] * 4, *choices)))
        self.words(book, head)
        voted = {"other": choices[-1], "odd": self.rnd.choice(choices)}.get(kind, choices[0])
        self.meet(head)
        self.vote(book, voted, number + (kind == "ahead"))
        if kind == "double":
            self.vote(book, choices[1], number)
        if kind == "turncoat":
            self.betray(book, head, choices, number, now)
        if kind == "odd":
            for _ in range(self.rnd.randint(1, 3)):
                self.oddity(book, head, choices, number, now)
        if kind != "late":
            self.stamp(book, head, second(number, now))
        self.words(book, head)
        last = second(number, self.rnd.choice((now + 100, 900, 999, 1000, 1100, 1200)))
        for _ in range(self.rnd.choice((0, 1, 2, 2, 2, 2))):
            self.stamp(book, head, last)

    def betray(self, book: Book, head: Charter, choices: list[Charter], number: int, now: int) -> None:
        """Keep a second branch, which says something else, and have it cosigned by whoever does."""
        other = book.branch(self.rnd.randint(max(0, len(book.entries) - 6), len(book.entries)))
        self.vote(other, self.rnd.choice(choices), number)
        self.stamp(other, head, second(number, now))
        self.world.books[book.origin].append(other)

    def oddity(self, book: Book, head: Charter, choices: list[Charter], number: int, now: int) -> None:
        """Do what no honest member does."""
        rnd, time = self.rnd, second(number, now)
        what = rnd.choice(("vote", "propose", "back", "bare", "short", "next", "root", "thief", "copy", "far", "else"))
        if what == "vote":
            self.vote(book, rnd.choice(choices), rnd.randint(0, ROUNDS))
        if what == "propose":
            book.propose(rnd.choice(choices))
        if what == "back":
            self.stamp(book, head, time, wish=second(rnd.randint(0, number), rnd.randint(0, 999)))
        if what == "bare":
            book.stamp(head, [])
        if what == "short":
            size = rnd.randint(0, len(book.entries))
            book.stamp(head, self.world.cosign(book, head, time), size)
        if what == "next":
            self.stamp(book, rnd.choice(choices), time)
        if what == "root":
            wrong = Stamp(head.version, head.hash, 1, "f" * 64, tuple(self.world.cosign(book, head, time)))
            book.write(wrong)
        if what == "thief":
            book.write(Notice("the thief's"), signed=rnd.choice(("statement.thief", book.owner.statement)))
        if what == "copy" and book.entries:
            old = rnd.choice(book.entries)
            book.entries.append(rnd.choice((old, replace(old, signed=old.signed | {"statement.nobody"}))))
        if what == "far":
            self.stamp(book, replace(head, version=head.version + 1 + rnd.randint(0, 1)), time)
        if what == "else":
            book.write(Notice("elsewhere"), **rnd.choice(({"coalition": "c1"}, {"origin": "log.a1.0"})))

    def words(self, book: Book, head: Charter) -> None:
        rnd = self.rnd
        what = rnd.choice(("", "", "notice", "inquiry", "answer", "report", "key", "freeze"))
        if what == "notice":
            book.write(Notice(f"run {rnd.randint(0, 9)}"))
        if what == "inquiry":
            deadline = second(rnd.randint(0, ROUNDS), rnd.randint(0, 999))
            book.write(Inquiry(rnd.choice(head.members).origin, f"what {rnd.randint(0, 9)}", deadline))
        if what == "answer":
            asked = [
                (b.origin, i)
                for bs in self.world.books.values()
                for b in bs
                for i, e in enumerate(b.entries)
                if isinstance(e.body, Inquiry) and (e.body.to == book.origin or rnd.random() < 0.3)
            ]
            book.write(
                Answer(*(rnd.choice(asked) if asked else (head.members[0].origin, 3)), f"a test {rnd.randint(0, 9)}")
            )
        if what == "report":
            book.write(Report(rnd.randint(0, 9)))
        if what == "key" and rnd.random() < 0.4:
            book.rotate(f"statement.{book.origin}.{rnd.randint(0, 99)}", recovery=rnd.random() < 0.7)
        if what == "freeze" and rnd.random() < 0.4:
            one = rnd.choice(head.members)
            book.write(Freeze(one.origin, rnd.choice((one.recovery, one.recovery, one.statement))))


def history(seed: int, *, rogue: bool = False) -> World:
    """Draw the history that a number stands for."""
    return Drawn(Random(seed), rogue).draw()
