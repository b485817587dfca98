"""Look hashes up in an alarm table and count votes: the reference of the kernel, and its stand-in.

The head of `kernels_c/probe.c` gives the layout of the table.
"""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.text.windows import Hashes, Positions

U32 = NDArray[np.uint32]
MOST_WINDOWS = 64  # of an alarm


@dataclass(frozen=True, slots=True)
class AlarmTable:
    """Hold the arrays of an alarm table.

    `need[a]` votes name alarm a where the low halves of `seconds[a]` hashes are among `windows[begin[a]:begin[a + 1]]`.
    """

    keys: Hashes
    values: U32
    starts: U32
    postings: U32
    need: NDArray[np.uint8]
    seconds: NDArray[np.uint8]
    begin: U32
    windows: U32

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays in order."""
        return tuple(getattr(self, field.name) for field in fields(self))


def probe_vote(table: AlarmTable, hashes: Hashes, offsets: Positions, most: int) -> NDArray[np.uint64]:
    """Count how many of a line's hashes, which must be distinct, name each alarm.

    Shape: rows of (line, alarm, votes), ascending, where the votes suffice and are seconded. A hash names its first
    `most` alarms.
    Errors: ValueError where the table points outside itself.
    """
    found = []
    for line, (start, stop) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        votes = Counter(a for h in hashes[start:stop].tolist() for a in _alarms(table, h, most))
        low = [h & 0xFFFFFFFF for h in hashes[start:stop].tolist()]
        found += [(line, a, n) for a, n in sorted(votes.items()) if n >= table.need[a] and _is_seconded(table, a, low)]
    return np.array(found, dtype=np.uint64).reshape(-1, 3)


def _is_seconded(table: AlarmTable, alarm: int, low: list[int]) -> bool:
    begin, end = int(table.begin[alarm]), int(table.begin[alarm + 1])
    if not begin <= end <= min(len(table.windows), begin + MOST_WINDOWS):
        raise ValueError("alarm table is unsound")
    own = set(table.windows[begin:end].tolist())
    return sum(h in own for h in low) >= int(table.seconds[alarm])


def _alarms(table: AlarmTable, key: int, most: int) -> list[int]:
    size = len(table.keys)
    at = key >> (64 - (size.bit_length() - 1))
    for _ in range(size):
        if not key or not table.keys[at]:
            return []
        if int(table.keys[at]) == key:
            return _posted(table, int(table.values[at]))[:most]
        at = (at + 1) % size
    return []


def _posted(table: AlarmTable, number: int) -> list[int]:
    if number + 1 >= len(table.starts):
        raise ValueError("alarm table is unsound")
    start, stop = int(table.starts[number]), int(table.starts[number + 1])
    if start > stop or stop > len(table.postings):
        raise ValueError("alarm table is unsound")
    alarms: list[int] = table.postings[start:stop].tolist()
    if max(alarms, default=0) >= len(table.need):
        raise ValueError("alarm table is unsound")
    return alarms
