"""A log: takes entries, signs checkpoints of them, serves what it published, proves what it holds."""

from collections.abc import Sequence

from tocsin.forms.errors import ConfigError, PolicyError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.keys import Signer, sign_text
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.merkle import leaf_hash
from tocsin.ledger.note import Note, parse_note
from tocsin.ledger.proof import Proof
from tocsin.ledger.prove import prove_inclusion
from tocsin.ledger.stores import Store
from tocsin.ledger.tiles import ENTRY_BYTES
from tocsin.ledger.tree import Head, Tree

PUBLIC = "public"
_SIGNED = "log/signed"
_PUBLISHED = f"{PUBLIC}/checkpoint"
_BATCH = 16_384
RESTORED = "the folder was restored from a backup, or copied: `tocsin log recover` takes the rest from a mirror"


class Log:
    """A log in a store. Any number of processes may append to it and sign for it at the same time."""

    def __init__(self, store: Store, leaves: LeafIndex, origin: str) -> None:
        self._store = store
        self._leaves = leaves
        self.origin = origin
        self.tree = Tree(store, "log", PUBLIC)

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Take entries and tell their indexes; durable when this returns. What the log holds keeps its index.

        Errors: ConfigError for an entry above 65,535 bytes; TransportError.
        """
        longest = max(map(len, entries), default=0)
        if longest > ENTRY_BYTES:
            raise ConfigError(f"an entry has {longest} bytes, a log takes {ENTRY_BYTES}", hint="log its hash instead")
        found: list[int] = []
        for start in range(0, len(entries), _BATCH):
            found += self._append(entries[start : start + _BATCH])
        return found

    def _append(self, entries: Sequence[bytes]) -> list[int]:
        by_leaf = {leaf_hash(entry): entry for entry in entries}
        while True:
            head = self._leaves.follow(self.tree)
            known = self._leaves.find(by_leaf)
            fresh = [leaf for leaf in by_leaf if leaf not in known]
            if not fresh:
                break
            new = self.tree.extend(head, [by_leaf[leaf] for leaf in fresh])
            if new:  # else another writer was faster: look again, it may have brought the same entries
                self._leaves.add(head, new, fresh)
        return [known[leaf_hash(entry)] for entry in entries]

    def sign(self, signers: Sequence[Signer], time: int) -> Note:
        """Sign a checkpoint of all that the log holds, and keep it durably before anybody sees it.

        Errors: PolicyError where the log has signed what it no longer holds: it was restored from a backup.
        """
        while True:
            raw = self._store.read(_SIGNED)
            head = self.tree.head()
            self._check_signed(raw, head)
            text = Checkpoint(self.origin, head.size, head.root).text()
            note = sign_text(text, signers, time)
            if self._store.swap(_SIGNED, raw, note.encode()):
                return note

    def signed(self) -> Note | None:
        """Read the last checkpoint that the log signed, whether or not it was published."""
        raw = self._store.read(_SIGNED)
        return parse_note(raw) if raw else None

    def _check_signed(self, raw: bytes | None, head: Head) -> None:
        for kept in filter(None, (raw, self._store.read(_PUBLISHED))):
            last = parse_checkpoint(parse_note(kept).text)
            if last.size > head.size:
                raise PolicyError(f"the log has signed {last.size} entries and holds {head.size}", hint=RESTORED)
            if self.tree.root(last.size) != last.root:
                raise PolicyError(
                    f"the log has signed another tree of {last.size} entries than it holds", hint=RESTORED
                )

    def adopt(self, note: Note) -> None:
        """Take a checkpoint that the log signed in an earlier life for its last, and serve it."""
        if not self._store.swap(_SIGNED, None, note.encode()):
            raise ConfigError("the log has signed a checkpoint already", hint="recover into a new folder")
        self.publish(note)

    def publish(self, note: Note) -> None:
        """Serve a checkpoint and all that belongs to it; never a smaller one than before."""
        size = parse_checkpoint(note.text).size
        self.tree.publish(size)
        while True:
            raw = self._store.read(_PUBLISHED)
            if raw and parse_checkpoint(parse_note(raw).text).size > size:
                return
            if self._store.swap(_PUBLISHED, raw, note.encode()):
                return

    def published(self) -> Note | None:
        """Read the checkpoint that the log serves."""
        raw = self._store.read(_PUBLISHED)
        return parse_note(raw) if raw else None

    def prove(self, index: int) -> Proof:
        """Prove by the published checkpoint that the log holds the entry at `index`.

        Errors: ConfigError where no published checkpoint covers it.
        """
        note = self.published()
        size = parse_checkpoint(note.text).size if note else 0
        if note is None or not 0 <= index < size:
            raise ConfigError(f"entry {index} is not among the {size} published", hint="run `tocsin log checkpoint`")
        return Proof(index, tuple(prove_inclusion(self.tree.hashes(), index, size)), note)
