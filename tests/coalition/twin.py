"""A plain history spelled as the bytes that `tocsin.coalition` reads: the same one for both folds.

Signatures are digests that anybody could make, while `unsigned()` holds: what is checked is what the folds say, and
real signatures would take most of the time.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import plain_forms as plain
import pytest
from simulator import COALITION, World

from tocsin.coalition import (
    NO_PARENT,
    Charter,
    Constants,
    End,
    Known,
    LogReader,
    Member,
    Prefix,
    Side,
    Stamped,
    Text,
    freeze_message,
    learn,
    sign_charter,
    sign_statement,
    timing,
)
from tocsin.coalition.chain import Judged
from tocsin.coalition.timing import Clock
from tocsin.forms.statements import Answer, Form, Freeze, Inquiry, Key, Notice, Proposal, Report, Stamp, Vote
from tocsin.ledger import Checkpoint, Note, Range, Signer, VerifierKey, leaf_hash
from tocsin.ledger.note import Signature

HASH = 32
TOLD = "cosigned"
"""Names the line of a note that says who cosigned, and when: a signature for each would take most of the time."""
Held = dict[str, list[tuple[int, int]]]
"""What somebody holds: by origin, of which branches how many entries."""


def at(cosigned: tuple[str, int]) -> int:
    return cosigned[1]


def digest(*parts: bytes) -> bytes:
    return sha256(b" ".join(parts)).digest()


@dataclass(frozen=True)
class Pen:
    """Stands where a private key stands."""

    public: bytes

    def sign(self, message: bytes) -> bytes:
        return digest(self.public, message) * 2


def _holds(key: VerifierKey, signature: bytes, message: bytes) -> bool:
    return signature == digest(key.public, message) * 2


@contextmanager
def unsigned() -> Iterator[None]:
    """Take digests for signatures, here and in the folds."""
    names = ("tocsin.coalition.envelope.holds", "tocsin.coalition.reading.holds", "tocsin.ledger.keys._holds")
    with pytest.MonkeyPatch.context() as patched:
        for name in names:
            patched.setattr(name, _holds)
        yield


@cache
def signer(name: str) -> Signer:
    """The key of a name: its kind shows in how the name begins."""
    kind = 6 if name.startswith("mirror6.") else 4 if name.startswith("mirror.") else 1
    public = (digest(name.encode()) * 41)[: 1312 if kind == 6 else 32]
    return Signer(VerifierKey(name, kind, public), Pen(public))  # type: ignore[arg-type]


@cache
def spelled_member(one: plain.Member) -> Member:
    keys = (signer(key).key.encode() for key in (one.origin, one.recovery, one.statement))
    mirrors = [signer(key).key.encode() for key in sorted(one.mirrors)]
    return Member(one.name, one.origin, *keys, mirrors, digest(one.box.encode()).hex())


@dataclass
class Twin:
    """The same history in both spellings."""

    world: World
    charters: dict[str, Charter] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    judged: Judged = field(default_factory=dict)
    spelled: dict[int, tuple[list[bytes], Range, list[str]]] = field(default_factory=dict)
    read: dict[int, Prefix] = field(default_factory=dict)
    clocked: dict[tuple[int, str], int | None] = field(default_factory=dict)
    proposed: dict[str, plain.Charter] = field(init=False)

    def __post_init__(self) -> None:
        entries = (e for branches in self.world.books.values() for book in branches for e in book.entries)
        made = [e.body.charter for e in entries if isinstance(e.body, plain.Proposal)]
        self.proposed = {charter.hash: charter for charter in (self.world.first, *made)}

    def known(self, held: Held | None = None, clock: Clock | None = None) -> Known:
        """Learn from what somebody holds; all when left out."""

        def logs(one: Member) -> list[Prefix]:
            branches = self.world.books.get(one.origin, [])
            pairs = enumerate(len(b.entries) for b in branches) if held is None else held.get(one.origin, ())
            return [cut(self.prefix(one.origin, number), size) for number, size in pairs]

        return learn(self.charter(self.world.first), logs, clock or self.clock, self.judged)

    def clock(self, stamp: Stamped, charter: Charter) -> int | None:
        """Tell the time of a stamp, once: as `cosigned_time` does, but from what is said of the mirrors."""
        key = id(stamp), charter.hash  # `read` keeps every stamp
        if key not in self.clocked:
            told = next(line.signature for line in stamp.note.signatures if line.name == TOLD)
            mirrors = {line.key.name: line.name for line in charter.policy.witnesses}
            times = {mirrors[name]: time for name, time in sorted(json.loads(told), key=at) if name in mirrors}
            self.clocked[key] = timing.quorum_time(charter.policy, times, charter.text.constants.band)
        return self.clocked[key]

    def entries(self, held: Held | None = None) -> dict[str, list[list[plain.Entry]]]:
        """Give what somebody holds to the plain fold."""
        if held is None:
            return self.world.logs()
        logs = self.world.logs()
        return {origin: [logs[origin][number][:size] for number, size in pairs] for origin, pairs in held.items()}

    @property
    def first(self) -> str:
        """Give the hash of the first charter."""
        return self.charter(self.world.first).hash

    def size(self, origin: str, number: int) -> int:
        return len(self.world.books[origin][number].entries)

    def prefix(self, origin: str, number: int) -> Prefix:
        book = self.world.books[origin][number]
        if id(book) not in self.read:
            reader = LogReader(spelled_member(book.owner), self.charter(self.world.first).hash)
            reader.feed(self.spell(book.origin, number, len(book.entries)))
            self.read[id(book)] = reader.prefix()
        return self.read[id(book)]

    def spell(self, origin: str, number: int, size: int) -> list[bytes]:
        """Spell the first entries of a branch; a charter in them may need what stands earlier in other logs."""
        book = self.world.books[origin][number]
        done, tree, roots = self.spelled.setdefault(id(book), ([], Range(), [tree_root(Range())]))
        while len(done) < size:
            done.append(self.entry(book.entries[len(done)], origin, number, len(done)))
            tree.extend([leaf_hash(done[-1])])
            roots.append(tree_root(tree))
        return done

    def entry(self, entry: plain.Entry, origin: str, number: int, index: int) -> bytes:
        form = self.form(entry.body, entry.origin, (origin, number, index))
        return sign_statement(self.hash(entry.coalition), form, [signer(key) for key in sorted(entry.signed)])

    def form(self, body: Any, origin: str, here: tuple[str, int, int]) -> Form:
        match body:
            case plain.Proposal(charter):
                return Proposal(origin, b64encode(self.charter(charter).encode()).decode())
            case plain.Vote(parent, number, charter):
                return Vote(origin, self.hash(parent), number, self.hash(charter))
            case plain.Stamp():
                return Stamp(origin, body.version, self.hash(body.charter), self.note(body, origin, here))
            case plain.Key(use, key):
                return Key(origin, use, signer(key).key.encode())
            case plain.Freeze(frozen, key):
                message = freeze_message(self.hash(COALITION), frozen)
                return Freeze(origin, frozen, b64encode(signer(key).private.sign(message)).decode())
            case plain.Notice(text):
                return Notice(origin, "run", text, 10**9)
            case plain.Inquiry(to, text, deadline):
                return Inquiry(origin, to, text, deadline)
            case plain.Answer(asker, index, text):
                return Answer(origin, asker, index, text)
            case plain.Report(what):
                return Report(origin, str(what), "0" * 64)
        raise TypeError(body)

    def note(self, stamp: plain.Stamp, origin: str, here: tuple[str, int, int]) -> str:
        book = self.world.books[here[0]][here[1]]
        roots = self.spelled[id(book)][2]
        true = stamp.size <= here[2] and stamp.root == plain.root(book.entries, stamp.size)
        tree = Checkpoint(origin, stamp.size, bytes.fromhex(roots[stamp.size]) if true else digest(b"no root"))
        told = Signature(TOLD, b"told", json.dumps(stamp.cosigned).encode())
        return Note(tree.text(), (signer(origin).sign(tree.text(), 0), told)).encode().decode()

    def hash(self, name: str) -> str:
        """Spell the hash of a charter, of any if there is none of that name."""
        return self.charter(self.proposed[name]).hash if name in self.proposed else digest(name.encode()).hex()

    def charter(self, one: plain.Charter) -> Charter:
        if one.hash not in self.charters:
            self.charters[one.hash] = made = self.spell_charter(one)
            self.names[made.hash] = one.hash
        return self.charters[one.hash]

    def spell_charter(self, one: plain.Charter) -> Charter:
        sides = [Side("abcd"[n], side.k, [spelled_member(m) for m in side.members]) for n, side in enumerate(one.sides)]
        text = Text(
            one.version,
            self.hash(one.parent) if one.version else NO_PARENT,
            one.start,
            sides,
            digest(one.standard.encode()).hex(),
            Constants(band=one.band, round=one.round),
            one.expiry,
            [End(origin, size, self.root(origin, size, proved)) for origin, size, proved in one.ends],
        )
        return sign_charter(text, [signer(key) for key in sorted(one.signed)])

    def root(self, origin: str, size: int, proved: str) -> str:
        """Spell the root that a charter ends a log at: of the branch that has it, or of none."""
        for number, book in enumerate(self.world.books.get(origin, ())):
            if size <= len(book.entries) and plain.root(book.entries, size) == proved:
                self.spell(origin, number, size)
                return self.spelled[id(book)][2][size]
        return digest(b"no root").hex()


def tree_root(tree: Range) -> str:
    return tree.root().hex()


def cut(prefix: Prefix, size: int) -> Prefix:
    """Give what somebody knows who holds fewer entries."""
    entries = tuple(e for e in prefix.entries if e.index < size)
    stamps = tuple(s for s in prefix.stamps if s.index < size)
    return Prefix(prefix.origin, min(size, prefix.size), entries, stamps, prefix.leaves[: size * HASH])


__all__ = ["Twin", "signer", "unsigned"]
