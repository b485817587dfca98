"""Coalitions of imagined members: real charters and keys, logs written down as what their entries mean."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256

from tocsin.coalition import (
    Charter,
    Constants,
    End,
    Logged,
    Member,
    Prefix,
    Side,
    Stamped,
    Text,
    sign_charter,
)
from tocsin.coalition.charter import NO_PARENT
from tocsin.forms.statements import Form, Proposal, Vote
from tocsin.ledger import Note, Signer, new_key

ROUND = 10
ZERO = 345_600
"""The first second of round 0."""


@cache
def signer(name: str, kind: int = 1) -> Signer:
    return new_key(name, lambda count: sha256(f"{name} {kind}".encode()).digest()[:count], kind)[0]


@cache
def member(name: str, life: int = 0) -> Member:
    """A member; each life has a log and keys of its own."""
    own = f"{name}.{life}"
    return Member(
        name,
        f"log.{own}",
        signer(f"log.{own}").key.encode(),
        recovery(name, life).key.encode(),
        signer(f"statement.{own}").key.encode(),
        [signer(f"mirror.{own}", 4).key.encode()],
        sha256(f"box {own}".encode()).hexdigest(),
    )


def recovery(name: str, life: int = 0) -> Signer:
    return signer(f"recovery.{name}.{life}")


def life_of(one: Member) -> int:
    return int(one.origin.rsplit(".", 1)[1])


def side(name: str, members: Sequence[Member], k: int | None = None) -> Side:
    return Side(name, len(members) // 2 + 1 if k is None else k, list(members))


def found(sides: Sequence[Side], *, start: int = 0, expiry: int = 10**9, constants: Constants | None = None) -> Charter:
    text = Text(0, NO_PARENT, start, list(sides), "a" * 64, constants or Constants(round=ROUND), expiry, [])
    return sign_charter(text, [recovery(m.name, life_of(m)) for s in sides for m in s.members])


def follow(
    parent: Charter,
    standard: str = "b",
    *,
    start: int | None = None,
    sides: Sequence[Side] | None = None,
    ends: Sequence[End] = (),
    expiry: int | None = None,
    sign: bool = True,
) -> Charter:
    """A charter that may follow; all recovery keys sign it, or with `sign` off somebody else's."""
    old = parent.text
    text = Text(
        old.version + 1,
        parent.hash,
        old.start if start is None else start,
        list(sides or old.sides),
        sha256(standard.encode()).hexdigest(),
        old.constants,
        old.expiry if expiry is None else expiry,
        list(ends),
    )
    signers = [recovery(m.name, life_of(m)) for s in text.sides for m in s.members]
    return sign_charter(text, signers if sign else [signer("nobody")])


@dataclass
class Book:
    """A log as the list of what its entries mean."""

    origin: str
    entries: list[Logged] = field(default_factory=list)
    stamps: list[Stamped] = field(default_factory=list)
    size: int = 0
    tag: str = ""

    def write(self, form: Form) -> int:
        self.entries.append(Logged(self.size, form))
        self.size += 1
        return self.size - 1

    def stamp(self, charter: Charter, time: int | None, *, size: int | None = None) -> None:
        note = Note(f"{time}\n", ())
        at = self.size if size is None else size
        self.stamps.append(Stamped(self.size, at, charter.text.version, charter.hash, note))
        self.size += 1

    def propose(self, charter: Charter) -> None:
        self.write(Proposal(self.origin, b64encode(charter.encode()).decode()))

    def vote(self, charter: Charter, number: int, parent: str = "") -> None:
        self.write(Vote(self.origin, parent or charter.text.parent, number, charter.hash))

    def prefix(self, size: int | None = None) -> Prefix:
        most = self.size if size is None else min(size, self.size)
        entries = tuple(e for e in self.entries if e.index < most)
        stamps = [s for s in self.stamps if s.index < most]
        timed = [s for s in stamps if not s.note.text.startswith("None")]
        if timed and most == self.size:  # one more, as `tocsin stamp` enters it, so that the last one counts
            stamps.append(replace(timed[-1], index=most, size=most))
            most += 1
        return Prefix(self.origin, most, entries, tuple(stamps), b"".join(self.leaf(i) for i in range(most)))

    def leaf(self, index: int) -> bytes:
        return sha256(f"{self.origin} {index} {self.tag}".encode()).digest()


def told_time(stamp: Stamped, _: Charter) -> int | None:
    """Read the time that a book says of itself: `None` stands for a stamp without a quorum."""
    said = stamp.note.text.strip()
    return None if said == "None" else int(said)


def second(number: int, offset: int = 0) -> int:
    return ZERO + number * ROUND + offset


@dataclass
class World:
    """A founding charter and the books of whoever writes one."""

    first: Charter
    books: dict[str, Book] = field(default_factory=dict)

    def book(self, origin: str) -> Book:
        return self.books.setdefault(origin, Book(origin))

    def of(self, name: str, life: int = 0) -> Book:
        return self.book(f"log.{name}.{life}")

    def logs(self, sizes: dict[str, int] | None = None):  # type: ignore[no-untyped-def]
        def give(one: Member) -> list[Prefix]:
            book = self.books.get(one.origin)
            return [book.prefix(None if sizes is None else sizes.get(one.origin, 0))] if book else []

        return give


def forked(book: Book, at: int, tag: str) -> Book:
    """A branch of a log that is the same below `at`."""
    kept = replace(book, tag=tag, size=at)
    kept.entries = [e for e in book.entries if e.index < at]
    kept.stamps = [s for s in book.stamps if s.index < at]

    def leaf(index: int, old: Book = book) -> bytes:
        return old.leaf(index) if index < at else sha256(f"{tag} {index}".encode()).digest()

    kept.leaf = leaf  # type: ignore[method-assign]
    return kept
