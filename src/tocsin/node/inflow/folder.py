"""Follow the files of a folder while others write, rotate, truncate and replace them."""

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from tocsin.forms import TransportError
from tocsin.forms.limits import LINE_BYTES

CHUNK_BYTES = LINE_BYTES + (1 << 20)  # more than the longest line, so that a chunk without an end is one too long
_HEAD_BYTES = 4096
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".tmp", ".swp")  # of rotated files the plain form was read before
_HELD = 256  # files kept open, so that what is deleted is still read to its end


class Place(msgspec.Struct, frozen=True):
    """Say how far a file was read: the cursor that is kept.

    offset: bytes; head: digest of the first bytes before it, by which a file that was written anew under the same inode
    is known; skipping: the offset lies inside a line that is too long.
    """

    inode: int
    offset: int = 0
    head: str = ""
    skipping: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """Hold some whole lines of a file and the place after them; None stands for a line that is too long.

    gone: the file was deleted and this was the rest of it: its place may be forgotten.
    """

    name: str
    lines: tuple[bytes | None, ...]
    place: Place
    gone: bool = False


@dataclass
class Folder:
    """Read what is new in the files below a folder.

    patterns: of file names; settle: seconds without a change after which a last line without an end counts, if it is
    JSON.
    """

    path: Path
    patterns: Sequence[str]
    settle: float
    _held: dict[int, BinaryIO] = field(default_factory=dict, repr=False)

    def takes(self, places: Mapping[int, Place], now: float) -> Iterator[Take]:
        """Yield at most one take a file, oldest files first; `now` is POSIX seconds.

        Errors: TransportError where the folder cannot be read. A file that cannot be read is left for later.
        """
        there = self._files(places)
        for inode in [inode for inode in self._held if inode not in there]:
            yield self._drained(inode, places.get(inode, Place(inode)))
        for inode, (path, status) in sorted(there.items(), key=lambda item: (item[1][1].st_mtime_ns, item[1][0])):
            try:
                file = self._open(inode, path)
                yield from _take(file, path.name, places.get(inode, Place(inode)), now - status.st_mtime > self.settle)
            except OSError:
                continue
        self._let_go(there)

    def close(self) -> None:
        """Close all files."""
        for file in self._held.values():
            file.close()
        self._held = {}

    def _files(self, places: Mapping[int, Place]) -> dict[int, tuple[Path, os.stat_result]]:
        """Find the files to follow by inode: those whose name fits, and those that were followed under another one."""
        if not self.path.is_dir():
            raise TransportError("the followed folder is not there", hint="make it, or correct folder.path")
        found: dict[int, tuple[Path, os.stat_result]] = {}
        for at, _, names in os.walk(self.path):
            for name in names:
                path = Path(at, name)
                try:
                    status = path.stat()
                except OSError:
                    continue
                fits = not name.lower().endswith(_PACKED) and any(fnmatch.fnmatch(name, one) for one in self.patterns)
                if stat.S_ISREG(status.st_mode) and (fits or status.st_ino in places or status.st_ino in self._held):
                    found.setdefault(status.st_ino, (path, status))
        return found

    def _open(self, inode: int, path: Path) -> BinaryIO:
        file = self._held.get(inode)
        if file is None:
            file = path.open("rb", buffering=0)
            if os.fstat(file.fileno()).st_ino != inode:  # replaced since we looked
                file.close()
                raise OSError
            self._held[inode] = file
        return file

    def _drained(self, inode: int, place: Place) -> Take:
        """Take what is left of a deleted file; a rest without an end is its last line."""
        file = self._held[inode]
        for take in _take(file, "deleted", place, settled=True):
            return take
        rest = b"" if place.skipping else os.pread(file.fileno(), CHUNK_BYTES, place.offset)
        self._held.pop(inode).close()
        return Take("deleted", (rest,) if rest else (), place, gone=True)

    def _let_go(self, there: Mapping[int, tuple[Path, os.stat_result]]) -> None:
        """Close the files that changed longest ago, beyond as many as may be held."""
        held = sorted((there[inode][1].st_mtime_ns, inode) for inode in self._held if inode in there)
        for _, inode in held[: max(0, len(self._held) - _HELD)]:
            self._held.pop(inode).close()


def _take(file: BinaryIO, name: str, place: Place, settled: bool) -> Iterator[Take]:
    """Yield what is new in a file, if anything."""
    size = os.fstat(file.fileno()).st_size
    if size < place.offset or _head(file, place.offset) != place.head:
        place = Place(place.inode)  # truncated, or another file by now
    if size == place.offset:
        return
    data = os.pread(file.fileno(), CHUNK_BYTES, place.offset)
    lines, used, skipping = cut(data, skipping=place.skipping, start=place.offset == 0)
    if not used and settled and place.offset + len(data) >= size and _is_json(data):
        lines, used = [data], len(data)
    if used:
        offset = place.offset + used
        yield Take(name, tuple(lines), Place(place.inode, offset, _head(file, offset), skipping))


def cut(data: bytes, *, skipping: bool, start: bool) -> tuple[list[bytes | None], int, bool]:
    """Cut whole lines off some bytes: (lines, bytes used, whether a line that is too long goes on).

    None stands for a line beyond LINE_BYTES, once. skipping: the bytes begin inside such a line; start: they begin the
    file, where a byte-order mark may stand.
    """
    whole = data.rfind(b"\n") + 1
    if not whole:
        too_long = skipping or len(data) > LINE_BYTES
        return [None] if too_long and not skipping else [], len(data) if too_long else 0, too_long
    parts = data[: whole - 1].split(b"\n")
    if skipping:
        parts = parts[1:]
    if start and parts:
        parts[0] = parts[0].removeprefix(b"\xef\xbb\xbf")
    return [part if len(part) <= LINE_BYTES else None for part in parts], whole, False


def _head(file: BinaryIO, offset: int) -> str:
    """Digest the first bytes of a file before the offset."""
    size = min(offset, _HEAD_BYTES)
    return blake2b(os.pread(file.fileno(), size, 0), digest_size=16).hexdigest() if size else ""


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True
