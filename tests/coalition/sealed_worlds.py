"""Coalitions whose members have box keys, seal bodies for each other, and hold some of them."""

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from random import Random

import msgspec
from coalition_worlds import World, found, member, second, side, signer, told_time

from tocsin.coalition import (
    Body,
    Charter,
    Constants,
    Known,
    Member,
    Stamped,
    View,
    box_public,
    learn,
    pair_key,
    read_box,
    say_sealed,
    seal,
    view,
    write_box,
)
from tocsin.forms.bodies import Agreement, Alarm, BodyForm
from tocsin.forms.statements import Anchor
from tocsin.forms.terms import Terms
from tocsin.ledger import Checkpoint, Note, Range
from tocsin.ledger.keys import sign_text

DAY = 86_400
START = 20_000 * DAY
SUBJECT = "5" * 64


@cache
def box(name: str, life: int = 0) -> bytes:
    return write_box(sha256(f"box of {name} {life}".encode()).digest())


@cache
def boxed(name: str, life: int = 0) -> Member:
    return msgspec.structs.replace(member(name, life), box=box_public(box(name, life)))


def founding(budget: int = 100, names: tuple[str, ...] = ("a0", "a1", "b0", "b1")) -> Charter:
    sides = sorted({name[0] for name in names})
    members = [side(s, [boxed(name) for name in names if name[0] == s]) for s in sides]
    return found(members, expiry=10**10 - 1, constants=Constants(budget=budget))


@dataclass
class Room:
    """A coalition, and all bodies that were written, by digest."""

    first: Charter = field(default_factory=founding)
    bodies: dict[str, Body] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(7))
    partial: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(self.first)

    def member(self, name: str) -> Member:
        return next(m for m in self.first.members.values() if m.name == name)

    def say(self, name: str, form: BodyForm, to: tuple[str, ...], at: int | None = None) -> str:
        """Seal a body into a log; with `at` a stamp comes after it, at that second from the start."""
        own = self.member(name)
        body = say_sealed(form, self.first.hash, own, to, self.random.randbytes)
        keys = [self.pair(name, other) for other in to]
        self.world.book(own.origin).write(seal(body, own.origin, 1_900_000_000, keys, self.random.randbytes))
        self.bodies[body.digest] = body
        if at is not None:
            self.stamp(name, at)
        return body.digest

    def pair(self, name: str, other: str) -> bytes:
        own, addressee = self.member(name), self.member(other)
        return pair_key(read_box(box(name)), addressee.box, self.first.hash, own.origin, addressee.origin)

    def stamp(self, name: str, at: int) -> None:
        self.world.book(self.member(name).origin).stamp(self.first, START + at)

    def stamp_partly(self, name: str, at: int) -> None:
        """A stamp that only some mirrors cosigned: it gives no time."""
        book = self.world.book(self.member(name).origin)
        note = Note(f"None\n{at}\n", ())
        book.stamps.append(Stamped(book.size, book.size, 0, self.first.hash, note))
        book.size += 1

    def anchor(self, name: str, other: str, missing: tuple[int, ...] = (), at: int | None = None) -> int:
        """Enter the other's log, as it is now."""
        own, seen = self.world.book(self.member(name).origin), self.world.book(self.member(other).origin)
        tree = Range()
        tree.extend(seen.leaf(i) for i in range(seen.size))
        text = Checkpoint(seen.origin, seen.size, tree.root()).text()
        note = sign_text(text, [signer(seen.origin)], START)
        index = own.write(Anchor(own.origin, note.encode().decode(), list(missing)))
        if at is not None:
            self.stamp(name, at)
        return index

    def agree(self, terms: Terms, at: int = 1, parties: tuple[str, ...] = ()) -> str:
        for name in parties or terms.parties:
            self.say(name, Agreement(terms.encode()), tuple(p for p in terms.parties if p != name), at)
        return terms.hash

    def known(self) -> Known:
        return learn(self.first, self.world.logs(), told_time_of)

    def view(self, name: str, at: int, lacks: tuple[str, ...] = (), **more: object) -> View:
        held = [body for digest, body in self.bodies.items() if digest not in lacks]
        return view(self.known(), START + at, held, [read_box(box(name))], clock=told_time_of, partial=partly, **more)  # type: ignore[arg-type]


def told_time_of(stamp: Stamped, charter: Charter) -> int | None:
    return None if stamp.note.text.startswith("None") else told_time(stamp, charter)


def partly(stamp: Stamped, _charter: Charter, _parties: object) -> int | None:
    said = stamp.note.text.split("\n")
    return START + int(said[1]) if said[0] == "None" else None


def terms(*parties: str, **more: object) -> Terms:
    given = {
        "parties": sorted(parties), "kinds": ["M02", "M03"], "classes": ["behaviour", "technique"],
        "purpose": "protect-users", "legal_basis": "", "transfer_basis": "", "jurisdictions": [],
        "actions": ["review", "watch"], "retention": 180, "onward": "none", "quorum": "all",
        "expiry": START + 90 * DAY, "nonce": "1" * 64, **more,
    }  # fmt: skip
    return msgspec.convert(given, Terms)


def alarm(agreement: str, **more: object) -> Alarm:
    given = {
        "agreement": agreement, "kind": "M02", "subject": SUBJECT, "severity": 3, "confidence": 4, "seen": START,
        "expiry": START + 30 * DAY, "derived": "", "replaces": "", "detail": '{"behaviour":{"accounts":12}}', **more,
    }  # fmt: skip
    return msgspec.convert(given, Alarm)


__all__ = ["DAY", "START", "SUBJECT", "Room", "alarm", "box", "boxed", "founding", "second", "terms"]
