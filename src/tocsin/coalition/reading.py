"""Read a log's entries: which of them are statements of its author, and which stamps prove the entries before them."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Protocol

from tocsin.coalition.charter import Member
from tocsin.coalition.envelope import IN_TOTO, Envelope, holds, parse_envelope, seal_envelope
from tocsin.forms.errors import FormatError, TocsinError
from tocsin.forms.statements import Form, Freeze, Key, Stamp, Statement, parse_statement
from tocsin.ledger import (
    Checkpoint,
    Note,
    Range,
    Signer,
    VerifierKey,
    leaf_hash,
    parse_checkpoint,
    parse_key,
    parse_note,
    verify_known,
)

_HASH_BYTES = 32
_PART = 4096
_SLICE = 64


@dataclass(frozen=True, slots=True)
class Logged:
    """A statement of the log's author, and its index."""

    index: int
    form: Form


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp that proves the first `size` entries; what its cosignatures are worth, a charter says."""

    index: int
    size: int
    version: int
    charter: str
    note: Note


@dataclass(frozen=True)
class Prefix:
    """What is known of one log: its first `size` entries, of them the statements and the stamps; leaf hashes joined."""

    origin: str
    size: int
    entries: tuple[Logged, ...]
    stamps: tuple[Stamped, ...]
    leaves: bytes = b""

    def root(self, size: int) -> str:
        """Compute the root of the first `size` entries, in hexadecimal digits."""
        tree = Range()
        tree.extend(self.leaves[_HASH_BYTES * i : _HASH_BYTES * (i + 1)] for i in range(size))
        return tree.root().hex()


class Spread(Protocol):
    """Applies a function to each of some things, in their order: `map`, or that of a pool of threads."""

    def __call__(self, work: Callable[[Any], Any], things: Iterable[Any], /) -> Iterable[Any]:
        """Apply it."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An entry that is a statement of this log, if its signature holds."""

    index: int
    form: Form
    envelope: Envelope
    said: bytes
    """Names what is said: a copy may carry other signatures."""


class LogReader:
    """Reads one log from its beginning, in parts of any length. Who signs as its author follows from the log alone.

    Signatures are checked in slices, `spread` over threads where one is given: the check leaves Python's lock.
    """

    def __init__(self, member: Member, coalition: str, spread: Spread = map) -> None:
        self.origin = member.origin
        self.entries: list[Logged] = []
        self.stamps: list[Stamped] = []
        self._coalition = coalition
        self._spread = spread
        self._log = parse_key(member.log)
        self._recovery = parse_key(member.recovery)
        self._statement = parse_key(member.statement)
        self._seen: set[bytes] = set()
        self._tree = Range()
        self._leaves = bytearray()

    @property
    def size(self) -> int:
        """Count the entries read."""
        return len(self._leaves) // _HASH_BYTES

    def feed(self, entries: Iterable[bytes]) -> None:
        """Read the next entries. What is no statement of this author in this log counts for nothing."""
        stream = iter(entries)
        while part := list(islice(stream, _PART)):
            self._take([found for raw in part if (found := self._parse(raw))])

    def prefix(self) -> Prefix:
        """Give what was read so far."""
        return Prefix(self.origin, self.size, tuple(self.entries), tuple(self.stamps), bytes(self._leaves))

    def _parse(self, raw: bytes) -> _Candidate | None:
        """Add an entry's leaf; give it as a candidate where it reads as a statement of this log."""
        index = self.size
        self._leaves += leaf_hash(raw)
        try:
            envelope = parse_envelope(raw, IN_TOTO)
            statement = parse_statement(envelope.payload)
        except FormatError:
            return None
        own = statement.coalition == self._coalition and statement.form.origin == self.origin
        return _Candidate(index, statement.form, envelope, sha256(envelope.payload).digest()) if own else None

    def _take(self, candidates: Sequence[_Candidate]) -> None:
        """Count those that the key in force has signed; after a new key the rest is checked again, with that."""
        while candidates:
            key, taken = self._statement, 0
            for one, holds_so in zip(candidates, self._signed(candidates), strict=True):
                taken += 1
                if holds_so and one.said not in self._seen:
                    self._count(one)
                if self._statement != key:
                    break
            candidates = candidates[taken:]

    def _signed(self, candidates: Sequence[_Candidate]) -> Iterator[bool]:
        key = self._statement
        slices = (candidates[i : i + _SLICE] for i in range(0, len(candidates), _SLICE))
        spread = self._spread if len(candidates) > _SLICE else map
        for checked in spread(lambda part: [one.envelope.signed_by(key) for one in part], slices):
            yield from checked

    def _count(self, one: _Candidate) -> None:
        if isinstance(one.form, Stamp):
            stamp = self._stamp(one.index, one.form)
            self.stamps += [stamp] if stamp else []
            return
        if isinstance(one.form, Key) and not self._rotate(one.form, one.envelope):
            return
        self._seen.add(one.said)
        self.entries.append(Logged(one.index, one.form))

    def _rotate(self, form: Key, envelope: Envelope) -> bool:
        if form.use != "statement":
            return envelope.signed_by(self._recovery)
        key = statement_key(form, envelope, self._statement, self._recovery)
        self._statement = key or self._statement
        return key is not None

    def _stamp(self, index: int, form: Stamp) -> Stamped | None:
        """Check the stamp against the entries before it: signed by the log, of this tree."""
        try:
            note = parse_note(form.note.encode())
            tree = parse_checkpoint(note.text)
            signed = verify_known(note, [self._log])
        except TocsinError:
            return None
        if not signed or tree.origin != self.origin or tree.extension or not self._is_prefix(tree, index):
            return None
        return Stamped(index, tree.size, form.version, form.charter, note)

    def _is_prefix(self, tree: Checkpoint, index: int) -> bool:
        """Compare roots; the tree is hashed once, from one stamp's size to the next."""
        if not self._tree.size <= tree.size <= index:
            return False
        ahead = self._tree.copy()
        ahead.extend(bytes(self._leaves[32 * i : 32 * (i + 1)]) for i in range(ahead.size, tree.size))
        if ahead.root() != tree.root:
            return False
        self._tree = ahead
        return True


def read_log(member: Member, coalition: str, entries: Iterable[bytes]) -> Prefix:
    """Read a log's first entries, all at once."""
    reader = LogReader(member, coalition)
    reader.feed(entries)
    return reader.prefix()


def sign_statement(coalition: str, form: Form, signers: Sequence[Signer]) -> bytes:
    """Write a statement as the entry of its log."""
    return seal_envelope(Statement(coalition, form).encode(), IN_TOTO, signers).encode()


def freeze_message(coalition: str, origin: str) -> bytes:
    """Write what a recovery key signs to freeze its log."""
    return f"tocsin-freeze/v1\n{coalition}\n{origin}\n".encode()


def is_frozen_by(form: Freeze, member: Member, coalition: str) -> bool:
    """Tell whether a freeze is signed by the recovery key of the member whose log it stops."""
    message = freeze_message(coalition, member.origin)
    return form.frozen == member.origin and holds(parse_key(member.recovery), b64decode(form.signature), message)


def statement_key(form: Key, envelope: Envelope, before: VerifierKey, recovery: VerifierKey) -> VerifierKey | None:
    """Give the statement key that an entry puts in force, if the one until then and recovery have both signed it."""
    if form.use != "statement" or not (envelope.signed_by(before) and envelope.signed_by(recovery)):
        return None
    try:
        key = parse_key(form.key)
    except FormatError:
        return None
    return key if key.kind == 1 else None
