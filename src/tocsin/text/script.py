"""Count the Han characters of lines: the kernel's reference, and its stand-in."""

import numpy as np
from numpy.typing import NDArray

from tocsin.text.windows import Lines, Positions

Counts = NDArray[np.int32]


def count_scripts(buffer: Lines, offsets: Positions) -> tuple[Counts, Counts]:
    """Count, line by line, its newline included, bytes that begin a Han character (U+4000 to U+9FFF), and characters.

    Any byte that continues no character begins one.
    """
    if len(offsets) < 2:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    line, starts = np.frombuffer(buffer, np.uint8, int(offsets[-1])), offsets[:-1]
    han = np.add.reduceat((line - np.uint8(0xE4)) < 6, starts, dtype=np.int32)
    return han, np.add.reduceat((line & 0xC0) != 0x80, starts, dtype=np.int32)
