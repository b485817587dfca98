"""Follow a log by reading it: what a mirror does on its own account, and how it takes up its thread after a restore."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tocsin.forms.errors import TocsinError, TransportError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, origin_hash, parse_checkpoint
from tocsin.ledger.gather import Tender, packages
from tocsin.ledger.keys import verify_note
from tocsin.ledger.mirror import Mirror
from tocsin.ledger.note import NOTE_BYTES, Note, parse_note
from tocsin.ledger.policy import Policy, WitnessLine, check_log
from tocsin.ledger.prove import Hashes, prove_consistency
from tocsin.ledger.source import CHECKPOINT, Source, read_checkpoint, read_entries, source_hashes
from tocsin.ledger.tiles import WIDTH
from tocsin.ledger.upload import UploadHead
from tocsin.ledger.wire import Answer
from tocsin.ledger.witness import AddCheckpoint, Witness

At = Callable[[str], Source]
"""Opens a source by its address."""

_KEEP_BOTH = "keep both checkpoints: `tocsin verify log --seen` makes evidence of them"


def read_tender(source: Source) -> Tender:
    """Read what a log serves so that it can be handed on: nothing of it is believed before a mirror has checked it."""
    note = read_checkpoint(source)
    tree = parse_checkpoint(note.text)

    def entries(start: int, end: int) -> list[bytes]:
        index = start // WIDTH
        width = min(WIDTH, tree.size - index * WIDTH)
        return list(read_entries(source, index, width)[start - index * WIDTH : end - index * WIDTH])

    return Tender(note, source_hashes(source, tree), entries)


def sync(mirror: Mirror, source: Source) -> Checkpoint:
    """Bring a mirror up to the checkpoint that a log serves, and cosign it once every entry is here.

    Errors: TransportError for what is not served; VerificationError for what does not fit; nothing is cosigned then.
    """
    tender = read_tender(source)
    tree = tender.checkpoint
    step(mirror.inbox, tender.note, tender.hashes)
    start = min(mirror.tree(tree.origin).head().size, tree.size)
    upload = mirror.begin(UploadHead(tree.origin, start, tree.size))
    if isinstance(upload, Answer):
        raise VerificationError(_said(upload))
    for package in packages(tender, start, tree.size):
        refused = upload.take(package)
        if refused:
            raise VerificationError(_said(refused))
    done = upload.finish(complete=True)
    if done.status != 200:
        raise VerificationError(_said(done))
    return tree


def step(witness: Witness, note: Note, hashes: Hashes) -> None:
    """Show a witness a checkpoint, with a proof from the one that it knows.

    Errors: VerificationError where it refuses.
    """
    tree = parse_checkpoint(note.text)
    known = witness.latest(origin_hash(tree.origin))
    old = parse_checkpoint(known.text).size if known else 0
    if old > tree.size:
        raise VerificationError(f"the log went back from {old} entries to {tree.size}", hint=_KEEP_BOTH)
    proof = tuple(prove_consistency(hashes, old, tree.size)) if old else ()
    answer = witness.add_checkpoint(AddCheckpoint(old, proof, note).encode())
    if answer.status != 200:
        raise VerificationError(_said(answer), hint=_KEEP_BOTH)


@dataclass(frozen=True)
class Peers:
    """The peers of a witness or mirror, and how to read what they serve."""

    policy: Policy
    at: At

    def catch_up(self, witness: Witness) -> dict[str, int]:
        """Take the greatest checkpoint of each log that any peer knows; tell its size by origin.

        To be done at every start, before anything is cosigned: a start after a restore looks like any other.
        Errors: TransportError where a peer does not answer; VerificationError where a peer knows another tree.
        """
        origins = dict.fromkeys(line.key.name for line in self.policy.logs)
        return {origin: self._catch_up(witness, origin) for origin in origins}

    def _catch_up(self, witness: Witness, origin: str) -> int:
        greatest = 0
        for line in self.policy.witnesses:
            note = self._known(line, origin)
            if note:
                greatest = max(greatest, self._adopt(witness, line, note))
        return greatest

    def _known(self, line: WitnessLine, origin: str) -> Note | None:
        """Read a peer's checkpoint of a log; the log must have signed it, and the peer."""
        if line.url is None:
            raise TransportError(f"the peer {line.name!r} has no address", hint="give it one, or remove its line")
        raw = self._source(line, origin)(CHECKPOINT, NOTE_BYTES)
        if raw is None:
            return None
        note = parse_note(raw)
        if check_log(note, self.policy).origin != origin:
            raise VerificationError(f"the peer {line.name!r} serves another log's checkpoint for that of {origin!r}")
        verify_note(note, [line.key])
        return note

    def _adopt(self, witness: Witness, line: WitnessLine, note: Note) -> int:
        """Go to a peer's checkpoint where it is ahead; the proof may come from the peer, or from the log."""
        tree = parse_checkpoint(note.text)
        known = witness.latest(origin_hash(tree.origin))
        mine = parse_checkpoint(known.text) if known else None
        if mine and mine.size == tree.size and mine.root != tree.root:
            raise VerificationError(
                f"the peer {line.name!r} knows another tree of {tree.size} entries", hint=_KEEP_BOTH
            )
        if mine and mine.size >= tree.size:
            return tree.size
        logs = [self.at(log.url) for log in self.policy.logs if log.url and log.key.name == tree.origin]
        self._first_that_fits(witness, note, [self._source(line, tree.origin), *logs])
        return tree.size

    def _first_that_fits(self, witness: Witness, note: Note, sources: Iterable[Source]) -> None:
        failed: TocsinError | None = None
        for source in sources:
            try:
                return step(witness, note, source_hashes(source, parse_checkpoint(note.text)))
            except TocsinError as error:
                failed = failed or error
        raise failed or TransportError("nobody serves a proof")

    def _source(self, line: WitnessLine, origin: str) -> Source:
        return self.at(f"{(line.url or '').rstrip('/')}/{origin_hash(origin)}")


def _said(answer: Answer) -> str:
    return f"refused with {answer.status}: {answer.body[:200].decode('utf-8', errors='replace').strip()}"
