"""Read a log's entries: which of them are statements of its author, and which stamps prove the entries before them."""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

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
        tree.extend(self.leaves[32 * i : 32 * (i + 1)] for i in range(size))
        return tree.root().hex()


class LogReader:
    """Reads one log from its beginning, in parts of any length. Who signs as its author follows from the log alone."""

    def __init__(self, member: Member, coalition: str) -> None:
        self.origin = member.origin
        self._coalition = coalition
        self._log = parse_key(member.log)
        self._recovery = parse_key(member.recovery)
        self._statement = parse_key(member.statement)
        self._seen: set[bytes] = set()
        self._tree = Range()
        self._leaves = bytearray()
        self._entries: list[Logged] = []
        self._stamps: list[Stamped] = []

    def feed(self, entries: Iterable[bytes]) -> None:
        """Read the next entries. What is no statement of this author in this log counts for nothing."""
        for raw in entries:
            leaf = leaf_hash(raw)
            index = len(self._leaves) // len(leaf)
            self._leaves += leaf
            self._take(index, raw)

    def prefix(self) -> Prefix:
        """Give what was read so far."""
        size = len(self._leaves) // 32
        return Prefix(self.origin, size, tuple(self._entries), tuple(self._stamps), bytes(self._leaves))

    def _take(self, index: int, raw: bytes) -> None:
        try:
            envelope = parse_envelope(raw, IN_TOTO)
            statement = parse_statement(envelope.payload)
        except FormatError:
            return
        if statement.coalition != self._coalition or statement.form.origin != self.origin:
            return
        said = sha256(envelope.payload).digest()  # a copy may carry other signatures
        if said not in self._seen and envelope.signed_by(self._statement):
            self._count(index, statement.form, envelope, said)

    def _count(self, index: int, form: Form, envelope: Envelope, said: bytes) -> None:
        if isinstance(form, Stamp):
            stamp = self._stamp(index, form)
            self._stamps += [stamp] if stamp else []
            return
        if isinstance(form, Key) and not self._rotate(form, envelope):
            return
        self._seen.add(said)
        self._entries.append(Logged(index, form))

    def _rotate(self, form: Key, envelope: Envelope) -> bool:
        if not envelope.signed_by(self._recovery):
            return False
        if form.use == "statement":
            key = _ed25519(form.key)
            if key is None:
                return False
            self._statement = key
        return True

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


def _ed25519(text: str) -> VerifierKey | None:
    try:
        key = parse_key(text)
    except FormatError:
        return None
    return key if key.kind == 1 else None
