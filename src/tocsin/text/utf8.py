"""Say whether strings are UTF-8: the kernel's reference, and its stand-in."""

import numpy as np
from numpy.typing import NDArray


def are_utf8(data: bytes, offsets: NDArray[np.int32]) -> bool:
    """Say whether what lies between each two offsets is UTF-8: all of it is, and none begins within a character."""
    first, stop = int(offsets[0]), int(offsets[-1])
    try:
        data[first:stop].decode()
    except UnicodeDecodeError:
        return False
    starts = offsets[offsets < stop]
    return not bool((np.frombuffer(data, np.uint8)[starts] & 0xC0 == 0x80).any())
