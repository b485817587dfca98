"""Witnesses, c2sp.org/tlog-witness: cosign what is consistent with all that one has cosigned before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, check_empty, origin_hash, parse_checkpoint
from tocsin.ledger.keys import Signer, VerifierKey, verify_note
from tocsin.ledger.merkle import HASH_BYTES, MOST_PROOF, verify_consistency
from tocsin.ledger.note import NOTE_BYTES, Note, Signature, parse_note
from tocsin.ledger.policy import Policy
from tocsin.ledger.stores import Registers
from tocsin.ledger.strict import read_base64, read_decimal, read_utf8, write_base64
from tocsin.ledger.wire import SIZE, Answer, refuse

REQUEST_BYTES = NOTE_BYTES + 4096
CONFLICT = 409

Clock = Callable[[], int]
"""Gives POSIX seconds."""


@dataclass(frozen=True)
class AddCheckpoint:
    """The size that the witness is believed to know, a proof from there, and the checkpoint to cosign."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def encode(self) -> bytes:
        """Write the body of the request."""
        lines = [f"old {self.old}", *map(write_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.encode()


def parse_add_checkpoint(raw: bytes) -> AddCheckpoint:
    """Read the body of a request.

    Errors: FormatError.
    """
    head, blank, rest = read_utf8(raw, "request", REQUEST_BYTES).partition("\n\n")
    first, *lines = head.split("\n")
    if not blank or not first.startswith("old ") or len(lines) > MOST_PROOF:
        raise FormatError(f"the request is not an old size, at most {MOST_PROOF} hashes and a checkpoint")
    old = read_decimal(first.removeprefix("old "), "old size")
    proof = tuple(read_base64(line, "proof hash", HASH_BYTES) for line in lines)
    return AddCheckpoint(old, proof, parse_note(rest.encode()))


class Witness:
    """Follow logs, each by the latest checkpoint seen; cosign with `signers`, of which a mirror's inbox has none.

    `policy` is read at every request, so that logs can be added while the witness runs.
    """

    def __init__(
        self, registers: Registers, at: str, policy: Callable[[], Policy], signers: Sequence[Signer], clock: Clock
    ) -> None:
        self._registers = registers
        self._at = at
        self._policy = policy
        self._signers = signers
        self._clock = clock

    def add_checkpoint(self, raw: bytes) -> Answer:
        """Answer `add-checkpoint`. What is answered with 200 is durable, and no later answer contradicts it."""
        try:
            request = parse_add_checkpoint(raw)
            checkpoint = parse_checkpoint(request.note.text)
        except FormatError as error:
            return refuse(400, error)
        keys = self.keys(checkpoint.origin)
        if not keys:
            return refuse(404, "the log is not known here")
        try:
            by_log = _signed_by(request.note, keys)
        except VerificationError as error:
            return refuse(403, error)
        return self._advance(request, checkpoint, by_log)

    def keys(self, origin: str) -> list[VerifierKey]:
        """Name the keys of a log; none where it is not followed."""
        return [line.key for line in self._policy().logs if line.key.name == origin]

    def latest(self, log: str) -> Note | None:
        """Read the latest checkpoint of a log that is named by its origin hash."""
        raw = self._registers.read(self._name(log))
        return parse_note(raw) if raw else None

    def _advance(self, request: AddCheckpoint, new: Checkpoint, by_log: Sequence[Signature]) -> Answer:
        """Check and persist in one atomic step: where the register has changed between the two, check anew."""
        name = self._name(origin_hash(new.origin))
        while True:
            kept = self._registers.read(name)
            known = parse_checkpoint(parse_note(kept).text) if kept else None
            refused = _check(request, new, known)
            if refused:
                return refused
            lines = [signer.sign(request.note.text, self._clock()) for signer in self._signers]
            if self._registers.swap(name, kept, Note(request.note.text, (*by_log, *lines)).encode()):
                return Answer(200, "".join(line.line() for line in lines).encode())

    def _name(self, log: str) -> str:
        return f"{self._at}/{log}/checkpoint"


def _signed_by(note: Note, keys: Sequence[VerifierKey]) -> list[Signature]:
    """Pick the log's own signatures; others could be made to look like ours and are not passed on."""
    known = {(key.name, key.key_id) for key in keys}
    verify_note(note, keys)
    return [line for line in dict.fromkeys(note.signatures) if (line.name, line.key_id) in known]


def _check(request: AddCheckpoint, new: Checkpoint, known: Checkpoint | None) -> Answer | None:
    """Refuse in the order of the specification; None where the new checkpoint continues the known one."""
    size = known.size if known else 0
    if request.old > new.size:
        return refuse(400, f"the old size {request.old} is above the checkpoint's {new.size}")
    if request.old != size:
        return Answer(CONFLICT, f"{size}\n".encode(), SIZE)
    if not check_empty(new):
        return refuse(422, "the tree of no entries has a root of its own")
    if known is None or size == 0:
        return refuse(422, "a proof from the empty tree must be empty") if request.proof else None
    try:
        verify_consistency(size, new.size, request.proof, known.root, new.root)
    except VerificationError as error:
        return refuse(422, error)
    return None
