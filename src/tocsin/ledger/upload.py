"""The form of `add-entries`, c2sp.org/tlog-mirror: a head, and packages of entries, each with its own proof."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.forms.errors import FormatError
from tocsin.ledger.merkle import HASH_BYTES, MOST_PROOF
from tocsin.ledger.strict import MOST, read_base64, read_decimal, read_utf8, write_base64
from tocsin.ledger.tiles import BUNDLE_BYTES, WIDTH, write_bundle

PACKAGE_BYTES = BUNDLE_BYTES + 1 + MOST_PROOF * HASH_BYTES
REQUEST_PACKAGES = 32
INFO_BYTES = 128 * 1024
_NUMBER = 8


@dataclass(frozen=True)
class UploadHead:
    """Which entries of which log come, and what the mirror gave to remember a past checkpoint by."""

    origin: str
    start: int
    end: int
    ticket: bytes = b""

    def encode(self) -> bytes:
        """Write the head."""
        numbers = self.start.to_bytes(_NUMBER, "big") + self.end.to_bytes(_NUMBER, "big")
        return _sized(self.origin.encode()) + numbers + _sized(self.ticket)


@dataclass(frozen=True)
class Package:
    """The entries of one bundle, or of a part of it, and the proof that the bundle up to `end` is in the tree."""

    start: int
    end: int
    entries: tuple[bytes, ...]
    proof: tuple[bytes, ...]

    @property
    def first(self) -> int:
        """Give the index at which the bundle begins."""
        return self.start // WIDTH * WIDTH

    def encode(self) -> bytes:
        """Write the package."""
        return write_bundle(self.entries) + bytes([len(self.proof)]) + b"".join(self.proof)


@dataclass(frozen=True)
class MirrorInfo:
    """What a mirror says where an upload cannot end yet: a size to upload to, the first entry it lacks, a ticket."""

    size: int
    next: int
    ticket: bytes

    def encode(self) -> bytes:
        """Write the three lines."""
        return f"{self.size}\n{self.next}\n{write_base64(self.ticket)}\n".encode()


def parse_mirror_info(raw: bytes) -> MirrorInfo:
    """Read the three lines.

    Errors: FormatError.
    """
    lines = read_utf8(raw, "mirror info", INFO_BYTES).split("\n")
    if len(lines) != 4 or lines[3]:
        raise FormatError("the mirror info is not three lines")
    size, entry = read_decimal(lines[0], "tree size"), read_decimal(lines[1], "next entry")
    return MirrorInfo(size, entry, read_base64(lines[2], "ticket"))


def parts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Name the canonical sequence of packages for the entries [start, end)."""
    while start < end:
        stop = min(end, (start // WIDTH + 1) * WIDTH)
        yield start, stop
        start = stop


class UploadReader:
    """Read an upload as its bytes come in; never holds more than one package and one piece of input."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.head: UploadHead | None = None
        self._parts: Iterator[tuple[int, int]] = iter(())
        self._part: tuple[int, int] | None = None

    def feed(self, raw: bytes) -> Iterator[Package]:
        """Take bytes in; give the packages that they complete. `head` is set once it is read.

        Errors: FormatError for a head or package that no further bytes can mend.
        """
        self._bytes += raw
        if self.head is None:
            self._read_head()
        while self._part and (package := self._read_package(*self._part)):
            yield package
            self._part = next(self._parts, None)
        if self.complete and self._bytes:
            raise FormatError("bytes come after the last package")

    @property
    def complete(self) -> bool:
        """Tell whether all packages of the canonical sequence have come."""
        return self.head is not None and self._part is None

    def _read_head(self) -> None:
        origin = self._sized_at(0)
        numbers = 2 + len(origin or b"")
        ticket = self._sized_at(numbers + 2 * _NUMBER)
        if origin is None or ticket is None:
            return
        start = int.from_bytes(self._bytes[numbers : numbers + _NUMBER], "big")
        end = int.from_bytes(self._bytes[numbers + _NUMBER : numbers + 2 * _NUMBER], "big")
        if not start <= end <= MOST:
            raise FormatError(f"the upload goes from {start} to {end}")
        self.head = UploadHead(read_utf8(origin, "origin", len(origin)), start, end, ticket)
        del self._bytes[: numbers + 2 * _NUMBER + 2 + len(ticket)]
        self._parts = parts(start, end)
        self._part = next(self._parts, None)

    def _sized_at(self, at: int) -> bytes | None:
        """Read the bytes behind a 2-byte length at `at`, once they are there."""
        end = at + 2 + int.from_bytes(self._bytes[at : at + 2], "big")
        return bytes(self._bytes[at + 2 : end]) if at + 2 <= len(self._bytes) and end <= len(self._bytes) else None

    def _read_package(self, start: int, end: int) -> Package | None:
        entries, at = [], 0
        for _ in range(end - start):
            entry = self._sized_at(at)
            if entry is None:
                return None
            entries.append(entry)
            at += 2 + len(entry)
        count = self._bytes[at] if at < len(self._bytes) else 0
        if count > MOST_PROOF:
            raise FormatError(f"the package has {count} hashes, at most {MOST_PROOF} may be")
        stop = at + 1 + count * HASH_BYTES
        if stop > len(self._bytes):
            return None
        raw = bytes(self._bytes[at + 1 : stop])
        del self._bytes[:stop]
        proof = tuple(raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES))
        return Package(start, end, tuple(entries), proof)


def _sized(raw: bytes) -> bytes:
    return len(raw).to_bytes(2, "big") + raw
