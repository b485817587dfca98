"""A fingerprint bank on disk: a folder of segments that never change, and a list that is replaced whole.

`bank.json` names the segments that count, each with its size and digest, and the alarms in them that were removed. A
change writes new segments beside the old, then a new list over the old one; a crash before that leaves the old bank,
and files that no list names go with the next change. Small segments merge as they gather: n alarms lie in few.
"""

import fcntl
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.forms.errors import ConfigError, FormatError, TransportError
from tocsin.text.bank import Fingerprints, Segment, encode_segment, join

LIST = "bank.json"
LIST_BYTES = 1 << 27
FORMAT = "tocsin-fingerprints/1"
GROWTH = 8  # a segment merges with the one before it unless that has so many times its alarms
DEAD_SHARE = 0.25  # of a segment's alarms, beyond which it is written anew without them
HOT = 16  # alarms of one window that vote; a list longer than this must hold no removed alarm
_REBUILD = "get the bank anew, or build it anew with: tocsin fingerprint build"


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    size: int
    alarms: int
    removed: tuple[int, ...] = ()


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    segments: tuple[_Entry, ...]


@dataclass(frozen=True)
class Part:
    """Hold one segment with the alarms in it that count."""

    file: str
    size: int
    segment: Segment
    removed: NDArray[np.int64]

    @cached_property
    def live(self) -> NDArray[np.bool_]:
        """Say of each alarm whether it counts."""
        live = np.ones(len(self.segment), dtype=bool)
        live[self.removed] = False
        return live

    def alarms(self) -> Fingerprints:
        """Unpack the alarms that count."""
        return self.segment.alarms().taken(np.flatnonzero(self.live))


@dataclass(frozen=True)
class Bank:
    """Hold the segments of a bank as they were when it was opened; `digest` names exactly these."""

    parts: tuple[Part, ...]
    digest: str

    def __len__(self) -> int:
        return sum(int(part.live.sum()) for part in self.parts)

    @cached_property
    def marks(self) -> frozenset[int]:
        """Name the group keys of its alarms."""
        return frozenset(int(mark) for part in self.parts for mark in part.segment.marks)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield id and kind of every alarm."""
        for part in self.parts:
            yield from (part.segment.name(int(i)) for i in np.flatnonzero(part.live))


def open_bank(folder: Path, checked: str = "") -> Bank:
    """Open a bank; segments are mapped, so that processes share them.

    `checked` is the digest of a bank that has been opened whole a moment ago: for the same list, whose segments never
    change, their digests and numbers are not gone through again.
    Errors: TransportError where a file cannot be read; FormatError where one is not what the list says.
    """
    raw = _read(folder)
    entries = _parse(raw).segments
    digest = blake2b(raw, digest_size=16).hexdigest()
    return Bank(tuple(_part(folder, entry, digest == checked) for entry in entries), digest)


def create_bank(folder: Path, alarms: Fingerprints) -> None:
    """Make a bank; the folder must be new, or hold no bank.

    Errors: ConfigError where there is one; TransportError where it cannot be written.
    """
    with _changing(folder, new=True):
        _replace(folder, _written(folder, [alarms]))


def add_alarms(folder: Path, alarms: Fingerprints) -> None:
    """Add alarms to a bank without building it anew.

    Errors: ConfigError names an id that it has; as `open_bank` and `create_bank` besides.
    """
    with _changing(folder):
        bank = open_bank(folder)
        has = {name for name, _ in bank.names()}
        if known := sorted(name for name, _ in alarms.names if name in has):
            raise ConfigError(f"the bank has {len(known)} of these alarms, {known[0]!r} first", hint="remove it first")
        kept, pending = list(bank.parts), [alarms]
        size = len(alarms)
        while kept and int(kept[-1].live.sum()) < GROWTH * size:
            pending.append(kept.pop().alarms())
            size = sum(map(len, pending))
        _replace(folder, [*map(_entry, kept), *_written(folder, [join(pending)])])


def remove_alarms(folder: Path, ids: Iterable[str]) -> None:
    """Remove alarms from a bank.

    Errors: ConfigError names an id that it has not; as `add_alarms` besides.
    """
    wanted = set(ids)
    with _changing(folder):
        bank = open_bank(folder)
        if missing := sorted(wanted - {name for name, _ in bank.names()}):
            raise ConfigError(f"the bank has no alarm {missing[0]!r}", hint="see: tocsin fingerprint info")
        _replace(folder, [entry for part in bank.parts for entry in _without(folder, part, wanted)])


def _without(folder: Path, part: Part, ids: set[str]) -> list[_Entry]:
    going = [i for i in np.flatnonzero(part.live) if part.segment.name(int(i))[0] in ids]
    if not going:
        return [_entry(part)]
    less = Part(part.file, part.size, part.segment, np.union1d(part.removed, going))
    if len(less.removed) <= DEAD_SHARE * len(part.segment) and not _crowded(less):
        return [_entry(less)]
    return _written(folder, [less.alarms()])


def _crowded(part: Part) -> bool:
    """Say whether a removed alarm stands in a list too long to be read whole, and would keep others from voting."""
    s = part.segment
    long = np.flatnonzero(np.diff(s.starts) > HOT)
    _, alarms = s.postings_of(long, len(s))
    return bool((~part.live[alarms]).any())


def _entry(part: Part) -> _Entry:
    removed = tuple(int(i) for i in part.removed)
    return _Entry(part.file, part.size, len(part.segment), removed)


def _written(folder: Path, sets: Sequence[Fingerprints]) -> list[_Entry]:
    """Write sets of alarms as segments, each under its digest."""
    entries = []
    for alarms in sets:
        if not len(alarms):
            continue
        growing = folder / "segment.growing"
        digest, size = blake2b(digest_size=20), 0
        with growing.open("wb") as file:
            for piece in encode_segment(alarms):
                file.write(piece)
                digest.update(piece)
                size += len(piece)
            file.flush()
            os.fsync(file.fileno())
        name = f"{digest.hexdigest()}.segment"
        growing.replace(folder / name)
        entries.append(_Entry(name, size, len(alarms)))
    return entries


def _replace(folder: Path, entries: Sequence[_Entry]) -> None:
    """Put a new list over the old one, then clear what it no longer names."""
    growing = folder / f"{LIST}.growing"
    with growing.open("wb") as file:
        file.write(_encode(_List(FORMAT, tuple(entries))))
        file.flush()
        os.fsync(file.fileno())
    growing.replace(folder / LIST)
    _settle(folder)
    named = {entry.file for entry in entries}
    for path in folder.glob("*.segment"):
        if path.name not in named:
            path.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _changing(folder: Path, *, new: bool = False) -> Iterator[None]:
    """Hold the bank alone while it changes."""
    try:
        if new:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / LIST).exists():
                raise ConfigError(f"{folder.name!r} is a bank already", hint="use: tocsin fingerprint add")
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
    except OSError as error:
        raise TransportError(
            f"the bank {folder.name!r} cannot be written: {error.strerror}", hint="check the path, rights and space"
        ) from error


def _encode(listing: _List) -> bytes:
    return msgspec.json.format(msgspec.json.encode(listing), indent=1) + b"\n"


def _parse(raw: bytes) -> _List:
    try:
        listing = msgspec.json.decode(raw, type=_List)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"{LIST} is not the list of a bank", hint=_REBUILD) from error
    if listing.format != FORMAT:
        raise FormatError(f"{LIST} has format {listing.format[:40]!r}, known is {FORMAT!r}", hint=_REBUILD)
    if _encode(listing) != raw or not all(map(_is_sound, listing.segments)):
        raise FormatError(f"{LIST} is not in its form", hint=_REBUILD)
    return listing


def _is_sound(entry: _Entry) -> bool:
    stem, dot, rest = entry.file.partition(".")
    named = len(stem) == 40 and set(stem) <= set("0123456789abcdef") and dot + rest == ".segment"
    rising = all(a < b for a, b in zip(entry.removed, entry.removed[1:], strict=False))
    return named and rising and all(0 <= i < entry.alarms for i in entry.removed)


def _read(folder: Path) -> bytes:
    try:
        with (folder / LIST).open("rb") as file:
            raw = file.read(LIST_BYTES + 1)
    except OSError as error:
        hint = "name the folder that `tocsin fingerprint build` wrote"
        raise TransportError(f"the bank {folder.name!r} cannot be read: {error.strerror}", hint=hint) from error
    if len(raw) > LIST_BYTES:
        raise FormatError(f"{LIST} is larger than {LIST_BYTES} bytes", hint=_REBUILD)
    return raw


def _part(folder: Path, entry: _Entry, checked: bool) -> Part:
    try:
        with (folder / entry.file).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry.size or not size:
                raise FormatError(f"a segment has {size} bytes, {LIST} says {entry.size}", hint=_REBUILD)
            raw = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise TransportError(f"a segment of the bank cannot be read: {error.strerror}", hint=_REBUILD) from error
    segment = Segment.read(raw) if checked else _checked(raw, entry)
    if len(segment) != entry.alarms:
        raise FormatError(f"a segment holds {len(segment)} alarms, {LIST} says {entry.alarms}", hint=_REBUILD)
    return Part(entry.file, size, segment, np.array(entry.removed, dtype=np.int64))


def _checked(raw: memoryview, entry: _Entry) -> Segment:
    if blake2b(raw, digest_size=20).hexdigest() != entry.file.partition(".")[0]:
        raise FormatError("a segment of the bank is damaged: its digest is not its name", hint=_REBUILD)
    return Segment.parse(raw)
