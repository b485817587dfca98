"""Proofs that need no server, c2sp.org/tlog-proof: a checkpoint with its cosignatures and a path to one entry."""

from dataclasses import dataclass

from tocsin.forms.errors import FormatError
from tocsin.ledger.checkpoint import parse_checkpoint
from tocsin.ledger.merkle import HASH_BYTES, MOST_PROOF, leaf_hash, verify_inclusion
from tocsin.ledger.note import NOTE_BYTES, Note, parse_note
from tocsin.ledger.policy import BAND, Policy, Trusted, check_note
from tocsin.ledger.strict import read_base64, read_decimal, read_utf8, write_base64

PROOF_BYTES = 2 * NOTE_BYTES
_FIRST = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """An entry's index, its path to the root from the leaf's sibling up, the checkpoint, and unauthenticated extra."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Write the proof."""
        extra = [] if self.extra is None else [f"extra {write_base64(self.extra)}"]
        lines = [_FIRST, *extra, f"index {self.index}", *map(write_base64, self.path), "", ""]
        return "\n".join(lines).encode() + self.note.encode()


def parse_proof(raw: bytes) -> Proof:
    """Read a proof of at most 1 MiB.

    Errors: FormatError.
    """
    head, blank, rest = read_utf8(raw, "proof", PROOF_BYTES).partition("\n\n")
    first, *lines = head.split("\n")
    if first != _FIRST or not blank:
        raise FormatError(f"the proof does not begin with {_FIRST!r}, lines and an empty line")
    extra = read_base64(lines.pop(0).removeprefix("extra "), "extra") if head.startswith(f"{_FIRST}\nextra ") else None
    if not lines or not lines[0].startswith("index ") or len(lines) > 1 + MOST_PROOF:
        raise FormatError(f"the proof has no index line and at most {MOST_PROOF} hashes")
    index = read_decimal(lines[0].removeprefix("index "), "index")
    path = tuple(read_base64(line, "proof hash", HASH_BYTES) for line in lines[1:])
    return Proof(index, path, parse_note(rest.encode()), extra)


def verify_proof(proof: Proof, entry: bytes, policy: Policy, band: int = BAND) -> Trusted:
    """Check that the log of a checkpoint that fulfils the policy holds the entry.

    Errors: VerificationError, also where the quorum is not there; FormatError for a note that is no checkpoint.
    """
    trusted = check_note(proof.note, policy, band)
    tree = parse_checkpoint(proof.note.text)
    verify_inclusion(proof.index, tree.size, leaf_hash(entry), proof.path, tree.root)
    return trusted
