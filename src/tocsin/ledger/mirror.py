"""Mirrors, c2sp.org/tlog-mirror: cosign a checkpoint only when every entry below it is held, re-derived and served."""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256

from tocsin.forms.errors import VerificationError
from tocsin.ledger.checkpoint import Checkpoint, origin_hash, parse_checkpoint
from tocsin.ledger.edge import Edge, grow
from tocsin.ledger.keys import Signer
from tocsin.ledger.merkle import verify_subtree
from tocsin.ledger.note import Note, parse_note
from tocsin.ledger.policy import Policy
from tocsin.ledger.stores import Store
from tocsin.ledger.tiles import WIDTH
from tocsin.ledger.tree import Tree
from tocsin.ledger.upload import REQUEST_PACKAGES, MirrorInfo, Package, UploadHead
from tocsin.ledger.wire import MIRROR_INFO, Answer, refuse
from tocsin.ledger.witness import CONFLICT, Clock, Witness

PUBLIC = "public"
_MOST_EXCESS = REQUEST_PACKAGES * WIDTH
_TAG_BYTES = 32


class Mirror:
    """Hold, re-derive, serve and cosign the logs of a policy.

    `secret` binds tickets to this mirror; 32 random bytes, new for every process.
    """

    def __init__(
        self, store: Store, policy: Callable[[], Policy], signers: Sequence[Signer], clock: Clock, secret: bytes
    ) -> None:
        self._store = store
        self._signers = signers
        self._clock = clock
        self._secret = secret
        self._trees: dict[str, Tree] = {}
        self._least: dict[str, int] = {}
        self.inbox = Witness(store, "pending", policy, (), clock)
        self.policy = policy

    def tree(self, origin: str) -> Tree:
        """Give the mirror's copy of a log; it may be ahead of the checkpoint that is served."""
        log = origin_hash(origin)
        return self._trees.setdefault(log, Tree(self._store, f"mirror/{log}", f"{PUBLIC}/{log}"))

    def pending(self, origin: str) -> Note | None:
        """Read the checkpoint that entries are checked against."""
        return self.inbox.latest(origin_hash(origin))

    def served(self, origin: str) -> Note | None:
        """Read the checkpoint that the mirror has cosigned and serves."""
        raw = self._store.read(_served(origin))
        return parse_note(raw) if raw else None

    def require(self, origin: str, size: int) -> None:
        """Cosign nothing of a log below a size that others have seen."""
        self._least[origin] = max(size, self._least.get(origin, 0))

    def begin(self, head: UploadHead) -> "Upload | Answer":
        """Begin an upload, or say why not."""
        if not self.inbox.keys(head.origin):
            return refuse(404, "the log is not known here")
        pending = self.pending(head.origin)
        if pending is None:
            return refuse(422, "no checkpoint of the log has come yet")
        target = self._target(head, pending)
        entry = self.tree(head.origin).head().size
        if target is None or head.end < self._least_size(head.origin):
            return self.conflict(head.origin, pending)
        if head.start > entry or min(head.end, entry) - head.start > _MOST_EXCESS:
            return self.conflict(head.origin, target)
        return Upload(self, head, target)

    def conflict(self, origin: str, target: Note, status: int = CONFLICT) -> Answer:
        """Answer what the mirror lacks of a checkpoint's entries, and how to go on."""
        size = parse_checkpoint(target.text).size
        info = MirrorInfo(size, min(size, self.tree(origin).head().size), self._ticket(target))
        return Answer(status, info.encode(), MIRROR_INFO)

    def commit(self, target: Note) -> Answer:
        """Serve the tree of a checkpoint whose entries are all here, and cosign it; never one below the last."""
        tree = parse_checkpoint(target.text)
        copy = self.tree(tree.origin)
        if copy.root(tree.size) != tree.root:
            return refuse(422, f"the {tree.size} entries held here have another root")
        copy.publish(tree.size)
        while True:
            kept = self._store.read(_served(tree.origin))
            if kept and parse_checkpoint(parse_note(kept).text).size > tree.size:
                return self.conflict(tree.origin, self.pending(tree.origin) or target)
            lines = [signer.sign(target.text, self._clock()) for signer in self._signers]
            if self._store.swap(_served(tree.origin), kept, Note(target.text, (*target.signatures, *lines)).encode()):
                return Answer(200, "".join(line.line() for line in lines).encode())

    def _target(self, head: UploadHead, pending: Note) -> Note | None:
        """Find the checkpoint that an upload ends at: the pending one, the served one, or that of a ticket."""
        for note in (pending, self._served_unsigned(head.origin), self._ticketed(head.ticket)):
            if note and _is(parse_checkpoint(note.text), head):
                return note
        return None

    def _served_unsigned(self, origin: str) -> Note | None:
        """Read the served checkpoint without the mirror's own cosignatures, which are made anew."""
        note = self.served(origin)
        own = {(signer.key.name, signer.key.key_id) for signer in self._signers}
        return note and Note(note.text, tuple(s for s in note.signatures if (s.name, s.key_id) not in own))

    def _least_size(self, origin: str) -> int:
        note = self.served(origin)
        return max(parse_checkpoint(note.text).size if note else 0, self._least.get(origin, 0))

    def _ticket(self, target: Note) -> bytes:
        raw = target.encode()
        return self._tag(raw) + raw

    def _ticketed(self, ticket: bytes) -> Note | None:
        """Read back a ticket; None where it is empty or not one of ours."""
        tag, raw = ticket[:_TAG_BYTES], ticket[_TAG_BYTES:]
        return parse_note(raw) if hmac.compare_digest(tag, self._tag(raw)) else None

    def _tag(self, raw: bytes) -> bytes:
        return hmac.digest(self._secret, raw, sha256)


class Upload:
    """One upload under way; others may run beside it."""

    def __init__(self, mirror: Mirror, head: UploadHead, target: Note) -> None:
        self._mirror = mirror
        self._head = head
        self._target = target
        self._tree = parse_checkpoint(target.text)
        self._saved = 0

    def take(self, package: Package) -> Answer | None:
        """Check a package and keep what is new of it, durably; None when all is well."""
        copy = self._mirror.tree(self._head.origin)
        entries = (*copy.entries(package.first, package.start), *package.entries)
        try:
            root = grow(Edge(), entries).edge.root()
            verify_subtree(package.first, package.end, self._tree.size, package.proof, root, self._tree.root)
        except VerificationError as error:
            return refuse(422, error)
        self._saved += 1
        grown = False
        while not grown:
            head = copy.head()
            new = package.entries[max(0, head.size - package.start) :]
            grown = not new or copy.extend(head, new) is not None
        return None

    def finish(self, *, complete: bool) -> Answer:
        """Cosign where every package came; else say where to go on."""
        if complete:
            return self._mirror.commit(self._target)
        if self._saved:
            return self._mirror.conflict(self._head.origin, self._target, 202)
        return refuse(400, "the upload ends before its first package does")


def _is(checkpoint: Checkpoint, head: UploadHead) -> bool:
    return (checkpoint.origin, checkpoint.size) == (head.origin, head.end)


def _served(origin: str) -> str:
    return f"{PUBLIC}/{origin_hash(origin)}/checkpoint"
