"""Open a source as a stream of plain bytes, whatever it is packed with."""

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

import pyarrow as pa

from tocsin.forms import FormatError, TocsinError, TransportError
from tocsin.traffic.sources import STDIN, Source

CHUNK_BYTES = 1 << 20
PARQUET_MAGIC = b"PAR1"
_MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_T = TypeVar("_T")
_FILLER = b"\xff"  # never part of UTF-8


class Stream:
    """Read one source as decompressed bytes; the first bytes can be looked at without taking them.

    Every method raises TransportError where the source cannot be read, FormatError where its packing is damaged.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self._raw = _open(source)
        head = self._guarded(lambda: self._raw.read(4))
        self.packing = next((packing for magic, packing in _MAGICS.items() if head.startswith(magic)), None)
        self._plain: _Rejoined | pa.CompressedInputStream = _Rejoined(head, self._raw)
        if self.packing:
            self._plain = pa.CompressedInputStream(pa.PythonFile(self._plain, "r"), self.packing)
        self._problem: TocsinError | None = None
        self._ahead = self._next()

    @property
    def is_parquet(self) -> bool:
        """Say whether the plain bytes begin as Parquet does."""
        return self._ahead.startswith(PARQUET_MAGIC)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in chunks of at most CHUNK_BYTES; raise only after what was readable has been yielded."""
        while self._ahead:
            yield self._ahead
            self._ahead = b"" if self._problem else self._next()
        if self._problem:
            raise self._problem

    def spool(self, folder: Path) -> IO[bytes]:
        """Write the bytes to a nameless temporary file, which can be read from any place."""
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  the caller closes it
        try:
            for chunk in self.chunks():
                file.write(chunk)
        except OSError as error:
            file.close()
            raise TransportError(f"no room to spool {self.name!r}: {error.strerror}", hint="free some disk") from None
        except TocsinError:
            file.close()
            raise
        return file

    def close(self) -> None:
        """Let go of the source."""
        if self._raw is not getattr(sys.stdin, "buffer", None):
            self._raw.close()

    def _next(self) -> bytes:
        """Return the next chunk; where reading fails, what came before the failure, and note the failure."""
        buffer = bytearray(_FILLER) * CHUNK_BYTES
        try:
            return bytes(buffer[: self._guarded(lambda: self._plain.readinto(buffer) or 0)])
        except TocsinError as problem:
            self._problem = problem
            # Arrow fills the buffer before it finds the damage and does not say how far it came.
            return bytes(buffer.rstrip(_FILLER))

    def _guarded(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except (OSError, pa.ArrowException) as error:
            raise read_error(self.name, error) from None


def read_error(name: str, error: Exception) -> TocsinError:
    """Tell a source that cannot be reached from one whose bytes are damaged: only the former has an errno."""
    if isinstance(error, OSError) and error.errno:
        return TransportError(f"input {name!r} cannot be read: {error.strerror}", hint="check its permissions")
    return FormatError(f"input {name!r} is damaged or cut off", hint="fetch it again; what was read is kept")


def _open(source: Source) -> BinaryIO:
    if source.name != STDIN:
        try:
            return source.path.open("rb")
        except OSError as error:
            raise read_error(source.name, error) from None
    if sys.stdin is None:
        raise TransportError("standard input is closed", hint="pipe a log into the command")
    return sys.stdin.buffer


class _Rejoined(io.RawIOBase):
    """Give back the bytes already taken from a stream, then the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        taken, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken) or self._rest.readinto(buffer)  # type: ignore[attr-defined]
