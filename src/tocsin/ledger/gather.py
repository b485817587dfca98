"""Gather cosignatures for a checkpoint, from witnesses and from mirrors, which first get the entries."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from gzip import compress

from tocsin.forms.errors import FormatError, PolicyError, TocsinError, TransportError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.keys import verify_known
from tocsin.ledger.log import RESTORED
from tocsin.ledger.note import NOTE_BYTES, Note, Signature, parse_signatures
from tocsin.ledger.policy import Policy, WitnessLine
from tocsin.ledger.prove import prove_consistency, prove_subtree
from tocsin.ledger.strict import read_decimal, read_utf8
from tocsin.ledger.tiles import TileHashes
from tocsin.ledger.upload import INFO_BYTES, REQUEST_PACKAGES, MirrorInfo, Package, UploadHead, parse_mirror_info, parts
from tocsin.ledger.wire import BINARY, MIRROR_INFO, SIZE, TEXT, Answer, Transport
from tocsin.ledger.witness import CONFLICT, AddCheckpoint

_BODY_BYTES = 4 << 20
_TRIES = 4
_ENTRIES_HEADERS = {"Content-Type": BINARY, "Content-Encoding": "gzip"}
Entries = Callable[[int, int], list[bytes]]
"""Gives the entries from one index up to another."""


@dataclass(frozen=True)
class Gathered:
    """The checkpoint with what cosignatures came, and why the others did not, by witness name."""

    note: Note
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Tender:
    """What a log has to show for a checkpoint: proofs from its hashes, and its entries."""

    note: Note
    hashes: TileHashes
    entries: Entries

    @property
    def checkpoint(self) -> Checkpoint:
        """Read what the note says."""
        return parse_checkpoint(self.note.text)


def check_not_restored(last: Note | None, policy: Policy, transport: Transport) -> None:
    """Ask every witness, by the last checkpoint that the log signed, whether it knows a larger one.

    Errors: PolicyError: then the log was restored from a backup, and to sign anything would be to fork it.
    """
    if last is None:
        return
    size = parse_checkpoint(last.text).size

    def ask(line: WitnessLine) -> int:
        answer = _post(transport, line, "add-checkpoint", AddCheckpoint(0, (), last).encode(), {"Content-Type": TEXT})
        return _known_size(answer) if answer.status == CONFLICT else 0

    for name, known in _each(policy, ask).items():
        if isinstance(known, int) and known > size:
            raise PolicyError(f"{name!r} has seen {known} entries of the log, which has signed {size}", hint=RESTORED)


def gather(tender: Tender, policy: Policy, transport: Transport) -> Gathered:
    """Ask every witness of the policy that has an address, all at once."""
    found = _each(policy, lambda line: cosign(tender, line, transport))
    lines = [line for came in found.values() if isinstance(came, tuple) for line in came]
    note = Note(tender.note.text, tuple(dict.fromkeys((*tender.note.signatures, *lines))))
    return Gathered(note, {name: str(why) for name, why in found.items() if isinstance(why, TocsinError)})


def cosign(tender: Tender, line: WitnessLine, transport: Transport) -> tuple[Signature, ...]:
    """Get the cosignature of one witness or mirror.

    Errors: TransportError, VerificationError, FormatError say why there is none.
    """
    answer = _add_checkpoint(tender, line, transport)
    found = _own(tender.note, line, answer.body) if answer.body else ()
    found = found or _upload(tender, line, transport)
    if not found:
        raise VerificationError("its answer carries no line of the key that the policy names")
    return found


def _add_checkpoint(tender: Tender, line: WitnessLine, transport: Transport) -> Answer:
    """Begin with size 0, which asks an unknown witness for the size it knows, and go on from what it says."""
    old, new = 0, tender.checkpoint.size
    for _ in range(_TRIES):
        proof = tuple(prove_consistency(tender.hashes, old, new)) if old else ()
        body = AddCheckpoint(old, proof, tender.note).encode()
        answer = _post(transport, line, "add-checkpoint", body, {"Content-Type": TEXT})
        if answer.status != CONFLICT:
            return _good(answer)
        old = _known_size(answer)
        if old > new:
            raise VerificationError(f"it has seen {old} entries, the checkpoint has {new}")
    raise TransportError("its size changed under every try", hint="run the command again")


def _upload(tender: Tender, line: WitnessLine, transport: Transport) -> tuple[Signature, ...]:
    """Give a mirror the entries that it lacks, part by part, and take its cosignature."""
    origin, size = tender.checkpoint.origin, tender.checkpoint.size
    info = MirrorInfo(size, size, b"")
    before = -1
    while True:
        head = UploadHead(origin, info.next, info.size, info.ticket)
        answer = _post(transport, line, "add-entries", compress(_body(tender, head), 1), _ENTRIES_HEADERS)
        if answer.content_type != MIRROR_INFO:
            return _own(tender.note, line, _good(answer).body)
        info = parse_mirror_info(answer.body)
        if info.size != size or info.next <= before:
            raise TransportError(f"the mirror stays at entry {info.next} of {info.size}, the checkpoint has {size}")
        before = info.next


def _body(tender: Tender, head: UploadHead) -> bytes:
    """Write as many packages as one request should carry."""
    body = bytearray(head.encode())
    for package, _ in zip(packages(tender, head.start, head.end), range(REQUEST_PACKAGES), strict=False):
        body += package.encode()
        if len(body) > _BODY_BYTES:
            break
    return bytes(body)


def packages(tender: Tender, start: int, size: int) -> Iterator[Package]:
    """Make the packages of the entries from `start` on, each with its proof in the tree of `size`."""
    for low, high in parts(start, size):
        package = Package(low, high, tuple(tender.entries(low, high)), ())
        proof = prove_subtree(tender.hashes, package.first, high, size)
        yield Package(low, high, package.entries, tuple(proof))


def _each(policy: Policy, ask: Callable[[WitnessLine], object]) -> dict[str, object]:
    """Ask all witnesses at once; what one of them makes of it, result or error, stays its own."""

    def one(line: WitnessLine) -> object:
        try:
            return ask(line)
        except TocsinError as error:
            return error

    # Two keys of one operator are two lines at one address: both get the same answer, each takes its own line of it.
    lines = [line for line in policy.witnesses if line.url]
    with ThreadPoolExecutor(max(1, len(lines))) as pool:
        return dict(zip((line.name for line in lines), pool.map(one, lines), strict=True))


def _post(transport: Transport, line: WitnessLine, call: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    return transport("POST", f"{(line.url or '').rstrip('/')}/{call}", body, headers, max(NOTE_BYTES, INFO_BYTES))


def _good(answer: Answer) -> Answer:
    if answer.status != 200:
        why = answer.body[:200].decode("ascii", errors="replace").strip()
        raise VerificationError(f"it answers {answer.status}: {''.join(c for c in why if c.isprintable())}")
    return answer


def _known_size(answer: Answer) -> int:
    text = read_utf8(answer.body, "size", 32)
    if answer.content_type != SIZE or not text.endswith("\n"):
        raise FormatError("the answer 409 carries no size")
    return read_decimal(text[:-1], "size")


def _own(note: Note, line: WitnessLine, body: bytes) -> tuple[Signature, ...]:
    """Pick the lines that are by this witness's key, each checked; none where it answers only for other keys."""
    lines = tuple(s for s in parse_signatures(body) if (s.name, s.key_id) == (line.key.name, line.key.key_id))
    verify_known(Note(note.text, lines), [line.key])
    return lines
