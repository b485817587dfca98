"""Where a log is read from: a folder or an address, both as c2sp.org/tlog-tiles lays it out."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tocsin.forms.errors import FormatError, TransportError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.merkle import HASH_BYTES
from tocsin.ledger.note import NOTE_BYTES, Note, parse_note
from tocsin.ledger.tiles import BUNDLE_BYTES, ENTRIES, TILE_BYTES, WIDTH, TileHashes, read_bundle, tile_name
from tocsin.ledger.wire import Transport

Source = Callable[[str, int], bytes | None]
"""Reads a file of the log by its name, of so many bytes at most; None where it is not there."""

CHECKPOINT = "checkpoint"


def folder_source(folder: Path) -> Source:
    """Read a log from its folder, or from the public part of it."""
    public = folder / "public"
    root = public if public.is_dir() else folder

    def read(name: str, most: int) -> bytes | None:
        try:
            with (root / name).open("rb") as file:
                raw = file.read(most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransportError(f"{name} cannot be read: {error.strerror}", hint="check the folder") from error
        return _bounded(name, raw, most)

    return read


def http_source(transport: Transport, prefix: str) -> Source:
    """Read a log from its address."""

    def read(name: str, most: int) -> bytes | None:
        answer = transport("GET", f"{prefix.rstrip('/')}/{name}", b"", {}, most)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise TransportError(f"{name} is answered with status {answer.status}", hint="ask who runs the server")
        return _bounded(name, answer.body, most)

    return read


def read_checkpoint(source: Source) -> Note:
    """Read the checkpoint that a log or mirror serves; nothing of it is checked.

    Errors: TransportError where there is none; FormatError.
    """
    raw = source(CHECKPOINT, NOTE_BYTES)
    if raw is None:
        raise TransportError("no checkpoint is served there", hint="check the address; the log may have none yet")
    return parse_note(raw)


def read_tile(source: Source, level: int | str, index: int, width: int, most: int) -> bytes:
    """Read a tile or bundle; a partial one may be gone once the full one is there.

    Errors: VerificationError for a missing one, whose checkpoint says that it is there.
    """
    for name in dict.fromkeys((tile_name(level, index, width), tile_name(level, index))):
        raw = source(name, most)
        if raw is not None:
            return raw
    raise VerificationError(f"{tile_name(level, index, width)} is not served", hint="ask who runs the log")


def read_entries(source: Source, index: int, width: int) -> tuple[bytes, ...]:
    """Read the first `width` entries of a bundle.

    Errors: VerificationError for a missing one; FormatError for one that holds fewer, or breaks off.
    """
    entries = read_bundle(read_tile(source, ENTRIES, index, width, BUNDLE_BYTES))
    if len(entries) not in (width, WIDTH):
        raise FormatError(f"{tile_name(ENTRIES, index, width)} holds {len(entries)} entries")
    return entries[:width]


def source_hashes(source: Source, tree: Checkpoint) -> TileHashes:
    """Read hashes from a log's tiles. They are what the log says: proofs made of them are to be checked."""

    def read(level: int, index: int, width: int) -> bytes:
        raw = read_tile(source, level, index, width, TILE_BYTES)
        return raw[: width * HASH_BYTES] if len(raw) == TILE_BYTES else raw

    return TileHashes(read, tree.size)


def below(source: Source, folder: str) -> Source:
    """Read from a folder below a source, as that of one log below a mirror."""
    return lambda name, most: source(f"{folder}/{name}", most)


def _bounded(name: str, raw: bytes, most: int) -> bytes:
    if len(raw) > most:
        raise FormatError(f"{name} is longer than the {most} bytes that it may have")
    return raw


def read_log(source: Source) -> Iterator[bytes]:
    """Read all entries below the checkpoint that is served, in order; nothing of them is checked.

    Errors: as `read_checkpoint` and `read_entries`.
    """
    size = parse_checkpoint(read_checkpoint(source).text).size
    for index in range(-(-size // WIDTH)):
        yield from read_entries(source, index, min(WIDTH, size - index * WIDTH))
