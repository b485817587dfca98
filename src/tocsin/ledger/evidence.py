"""Portable evidence: two signed statements that cannot both be honest, checkable by anybody who has the keys.

    tocsin-evidence/v1
    fork                     or: rewind
    root BASE64              fork of two sizes only: what the larger tree has for a root at the smaller size,
    BASE64                   and the consistency proof from there to the larger root, one hash a line

    (first note)

    (second note)

fork: a log signed two trees of which neither continues the other. rewind: a cosigner, after it had cosigned a size of
a log, cosigned a smaller one as the latest.
"""

from dataclasses import dataclass

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import parse_checkpoint
from tocsin.ledger.keys import Verified, VerifierKey, verify_known
from tocsin.ledger.merkle import HASH_BYTES, MOST_PROOF, verify_consistency
from tocsin.ledger.note import NOTE_BYTES, Note, parse_note
from tocsin.ledger.policy import Policy
from tocsin.ledger.prove import Hashes, prove_consistency, root_of
from tocsin.ledger.strict import read_base64, read_utf8, write_base64

EVIDENCE_BYTES = 2 * NOTE_BYTES + 8192
FORK = "fork"
REWIND = "rewind"
_FIRST = "tocsin-evidence/v1"


@dataclass(frozen=True)
class Evidence:
    """Two notes that contradict each other, and for a fork of two sizes the root and the proof that show it."""

    kind: str
    first: Note
    second: Note
    root: bytes | None = None
    proof: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Write the evidence."""
        root = [] if self.root is None else [f"root {write_base64(self.root)}"]
        lines = [_FIRST, self.kind, *root, *map(write_base64, self.proof), "", ""]
        return b"".join(("\n".join(lines).encode(), self.first.encode(), b"\n", self.second.encode()))


def parse_evidence(raw: bytes) -> Evidence:
    """Read evidence of at most 1 MiB and a little. That it reads well says nothing about its truth.

    Errors: FormatError.
    """
    parts = read_utf8(raw, "evidence", EVIDENCE_BYTES).split("\n\n")
    if len(parts) != 5:
        raise FormatError("the evidence is not a head and two checkpoints")
    first, kind, *lines = f"{parts[0]}\n".split("\n")
    if first != _FIRST or kind not in (FORK, REWIND) or len(lines) > 2 + MOST_PROOF:
        raise FormatError(f"the evidence does not begin with {_FIRST!r} and its kind")
    given = lines[:-1]
    root = read_base64(given.pop(0).removeprefix("root "), "root", HASH_BYTES) if _has_root(given) else None
    proof = tuple(read_base64(line, "proof hash", HASH_BYTES) for line in given)
    notes = [parse_note(f"{text}\n\n{end}".encode()) for text, end in ((parts[1], parts[2] + "\n"), parts[3:])]
    return Evidence(kind, notes[0], notes[1], root, proof)


def compare(first: Note, second: Note, hashes: Hashes) -> Evidence | None:
    """Find what two checkpoints of one log contradict each other in; `hashes` are those of the second's tree."""
    one, two = parse_checkpoint(first.text), parse_checkpoint(second.text)
    if one.size == two.size and one.root != two.root:
        return Evidence(FORK, first, second)
    if 0 < one.size < two.size:
        root = root_of(hashes, 0, one.size)
        if root != one.root:
            return Evidence(FORK, first, second, root, tuple(prove_consistency(hashes, one.size, two.size)))
    return None


def find_rewind(first: Note, second: Note, policy: Policy) -> Evidence | None:
    """Find a cosigner that went back from one checkpoint of a log to a smaller one."""
    evidence = Evidence(REWIND, first, second)
    return evidence if _rewound(evidence, policy) else None


def verify_evidence(evidence: Evidence, policy: Policy) -> list[str]:
    """Check evidence by the keys of a policy; name those whom it shows to have lied.

    Errors: VerificationError where it shows nothing; FormatError for notes that are no checkpoints.
    """
    found = _rewound(evidence, policy) if evidence.kind == REWIND else _forked(evidence, policy)
    if not found:
        raise VerificationError("both statements can be honest, or no known key has signed both")
    return found


def _forked(evidence: Evidence, policy: Policy) -> list[str]:
    one, two = parse_checkpoint(evidence.first.text), parse_checkpoint(evidence.second.text)
    if one.origin != two.origin:
        return []
    if one.size == two.size:
        apart = one.root != two.root
    elif evidence.root is None:
        return []
    else:
        verify_consistency(one.size, two.size, evidence.proof, evidence.root, two.root)
        apart = evidence.root != one.root
    keys = [line.key for line in policy.logs if line.key.name == one.origin]
    both = _signed(evidence.first, keys).keys() and _signed(evidence.second, keys).keys()
    return [one.origin] if apart and both else []


def _rewound(evidence: Evidence, policy: Policy) -> list[str]:
    one, two = parse_checkpoint(evidence.first.text), parse_checkpoint(evidence.second.text)
    names = {line.key: line.name for line in policy.witnesses}
    before, after = _signed(evidence.first, [*names]), _signed(evidence.second, [*names])
    if one.origin != two.origin or one.size <= two.size:
        return []
    return [names[key] for key in before.keys() & after.keys() if (before[key].time or 0) < (after[key].time or 0)]


def _signed(note: Note, keys: list[VerifierKey]) -> dict[VerifierKey, Verified]:
    return {found.key: found for found in verify_known(note, keys)}


def _has_root(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith("root ")
