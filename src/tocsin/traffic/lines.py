"""Cut a stream of bytes into lines, a block at a time, whatever the bytes are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tocsin.forms import TocsinError
from tocsin.forms.limits import LINE_BYTES

BLANK = b" \t\r"  # a line of nothing else is passed over
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Hold consecutive lines without their ends.

    position: of the first line, from 1; lines: None stands for a line beyond LINE_BYTES; utf8: all is valid UTF-8.
    """

    position: int
    lines: list[bytes | None]
    utf8: bool


def line_blocks(chunks: Iterable[bytes]) -> Iterator[Block]:
    """Yield the lines of the chunks; a line beyond LINE_BYTES is passed over without being held.

    An error of the chunks is raised after the lines before it, of which the last may be cut off.
    """
    cutter = _Cutter()
    problem: TocsinError | None = None
    chunks = iter(chunks)
    while problem is None:
        try:
            chunk = next(chunks, None)
        except TocsinError as error:
            chunk, problem = None, error
        if chunk is None:
            break
        yield from cutter.cut(chunk)
    yield from cutter.cut(b"\n", last=True)
    if problem:
        raise problem


class _Cutter:
    def __init__(self) -> None:
        self._position = 1
        self._carry = b""
        self._skipping = False  # inside a line that is too long

    def cut(self, chunk: bytes, *, last: bool = False) -> Iterator[Block]:
        if last and not self._carry and not self._skipping:
            return
        whole = self._carry + chunk
        *parts, self._carry = whole.split(b"\n")
        lines: list[bytes | None] = [part if len(part) <= LINE_BYTES else None for part in parts]
        if lines and self._skipping:
            lines[0], self._skipping = None, False
        if len(self._carry) > LINE_BYTES or self._skipping:
            self._carry, self._skipping = b"", True
        if lines:
            if self._position == 1 and lines[0]:
                lines[0] = lines[0].removeprefix(_BOM)
            yield Block(self._position, lines, is_utf8(whole[: len(whole) - len(self._carry)]))
            self._position += len(lines)


def is_utf8(data: bytes) -> bool:
    """Say whether the bytes are valid UTF-8, without building a string of them."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
