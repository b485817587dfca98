"""Audit a log or a mirror from what it serves alone: every entry, every tile, and all that was seen of it before."""

from collections.abc import Callable, Iterable, Iterator

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.edge import Edge, grow
from tocsin.ledger.evidence import Evidence, compare, find_rewind
from tocsin.ledger.merkle import HASH_BYTES
from tocsin.ledger.note import Note
from tocsin.ledger.policy import BAND, Policy, Trusted, check_log, check_note, cosigned_by
from tocsin.ledger.source import Source, read_checkpoint, read_entries, read_tile, source_hashes
from tocsin.ledger.tiles import HEIGHT, TILE_BYTES, WIDTH, tile_name, tile_width

Told = Callable[[int], None]
"""Hears how many entries are checked."""


class MisconductError(VerificationError):
    """Raise when two signed statements contradict each other; `evidence` shows it to anybody."""

    def __init__(self, message: str, evidence: Evidence) -> None:
        super().__init__(message, hint="keep the evidence; `tocsin verify evidence` checks it anywhere")
        self.evidence = evidence


def audit_log(source: Source, policy: Policy, now: int, told: Told, band: int = BAND) -> Trusted:
    """Check a log's checkpoint by a policy, and that all entries and tiles below it are served and belong to it.

    Errors: VerificationError names the first thing that is not so; FormatError for a checkpoint that is none.
    """
    trusted = check_note(read_checkpoint(source), policy, band)
    check_clock(trusted, now, band)
    walk(source, trusted.checkpoint, told)
    return trusted


def audit_mirror(source: Source, policy: Policy, told: Told) -> Trusted:
    """Check a mirror's copy of a log in the same way; of cosignatures, one by a witness of the policy is enough."""
    note = read_checkpoint(source)
    checkpoint, times = check_log(note, policy), cosigned_by(note, policy)
    if not times:
        raise VerificationError("the mirror's copy is cosigned by no witness of the policy")
    walk(source, checkpoint, told)
    return Trusted(checkpoint, times, max(times.values()) or None)


def check_clock(trusted: Trusted, now: int, band: int = BAND) -> None:
    """Refuse a cosigned time that lies ahead of this machine's clock.

    Errors: VerificationError.
    """
    if trusted.time and trusted.time > now + band:
        raise VerificationError(f"the checkpoint was cosigned {trusted.time - now} seconds from now")


def check_seen(source: Source, note: Note, seen: Iterable[Note], policy: Policy) -> None:
    """Check that a log's tree continues every checkpoint of it that was seen elsewhere; its tiles must be checked.

    Errors: MisconductError where two cannot both be true; VerificationError where the log has gone back.
    """
    tree = parse_checkpoint(note.text)
    hashes = source_hashes(source, tree)
    for earlier in seen:
        known = check_log(earlier, policy)
        if known.origin != tree.origin:
            continue
        if evidence := compare(earlier, note, hashes) or find_rewind(earlier, note, policy):
            raise MisconductError(f"{evidence.kind}: two statements about {tree.origin!r} contradict", evidence)
        if known.size > tree.size:
            raise VerificationError(f"the log has gone back from {known.size} entries to {tree.size}")


def walk(source: Source, tree: Checkpoint, told: Told) -> None:
    """Read every entry and every tile of a tree, and compute its root from the entries alone.

    Errors: VerificationError.
    """
    edge = Edge()
    try:
        for index in range(-(-tree.size // WIDTH)):
            growth = grow(edge, read_entries(source, index, tile_width(0, index, tree.size)))
            edge = growth.edge
            for (level, at), raw in growth.full.items():
                _same(source, level, at, raw)
            told(edge.size)
        for level, at, raw in partial_tiles(edge):
            _same(source, level, at, raw)
    except FormatError as error:
        raise VerificationError(f"after {edge.size} entries: {error}", hint=error.hint) from error
    if edge.root() != tree.root:
        raise VerificationError(f"the {edge.size} entries have another root than the checkpoint says")


def partial_tiles(edge: Edge) -> Iterator[tuple[int, int, bytes]]:
    """Give the partial hash tiles of a tree with their levels and indexes."""
    for level, raw in enumerate(edge.tiles):
        if raw:
            yield level, edge.size >> (HEIGHT * (level + 1)), raw


def _same(source: Source, level: int | str, index: int, raw: bytes) -> None:
    """Compare a hash tile with what the entries say; bundles are where these come from."""
    if isinstance(level, str):
        return
    width = len(raw) // HASH_BYTES
    served = read_tile(source, level, index, width, TILE_BYTES)
    if served[: len(raw)] != raw or len(served) not in (len(raw), TILE_BYTES):
        at = next(
            (i for i in range(0, len(raw), HASH_BYTES) if served[i : i + HASH_BYTES] != raw[i : i + HASH_BYTES]), 0
        )
        first = (index * WIDTH + at // HASH_BYTES) << (HEIGHT * level)
        raise VerificationError(f"{tile_name(level, index, width)} does not fit the entries, first at entry {first}")
