"""One segment of a fingerprint bank: alarms and a table of their keyed windows, read where it lies in a mapped file.

A segment is a header and arrays, little-endian, each padded to eight bytes:

| array | holds |
|---|---|
| marks u64 | the group keys |
| slots u64, slot_value u32 | linear probing from `key >> (64 - b)` of 2^b slots; 0 is empty, the value names a list |
| starts u32, postings u32 | list l names alarms `postings[starts[l]:starts[l + 1]]`, in order |
| group u16, need u8, stretch u32 | an alarm's group key, the votes that make it a candidate, the bytes it stood in |
| begin u32, windows u32 | all its windows, the low halves of their keyed hashes, in order |
| name_at u32, names u8 | `id TAB kind` of every alarm, in order of id |

The bytes follow from the set of alarms alone, however it came together.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tocsin.forms.errors import FormatError
from tocsin.text.kernels import count_posted, kernels_in_use, probe_vote
from tocsin.text.probe import MOST_WINDOWS, AlarmTable
from tocsin.text.windows import Hashes

MAGIC, VERSION = b"TOCSINFB", 1
PROBED = 12  # of them are looked up, the others only confirm
MOST_ALARMS = 1 << 26
LEAST_SLOTS = 16
FULL = 0.8  # of the slots
TAB = 9
_HEAD = struct.Struct("<8sII7Q")
U32 = NDArray[np.uint32]
_REBUILD = "get the bank anew, or build it anew with: tocsin fingerprint build"


@dataclass(frozen=True)
class Fingerprints:
    """Hold alarms in order of id. Shape: pair i says that window `keys[i]` is looked up for alarm `alarm[i]`.

    `windows[begin[a]:begin[a + 1]]` are the low halves of all of alarm a's windows, ascending.
    """

    names: tuple[tuple[str, str], ...]  # id, kind
    marks: Hashes  # one an alarm
    stretch: U32
    keys: Hashes
    alarm: U32
    begin: U32
    windows: U32

    def __len__(self) -> int:
        return len(self.names)

    def taken(self, order: NDArray[np.int64]) -> "Fingerprints":
        """Take the alarms at these places, in this order."""
        place = np.full(len(self), -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        keep = place[self.alarm] >= 0
        counts = np.diff(self.begin)[order].astype(np.int64)
        at = np.repeat(self.begin[:-1][order].astype(np.int64), counts) + _steps(counts)
        return Fingerprints(
            tuple(self.names[int(i)] for i in order),
            self.marks[order],
            self.stretch[order],
            self.keys[keep],
            place[self.alarm[keep]].astype(np.uint32),
            _offsets(counts),
            self.windows[at],
        )


def join(sets: Sequence[Fingerprints]) -> Fingerprints:
    """Join sets of alarms whose ids differ, in order of id."""
    starts = np.cumsum([0, *map(len, sets)])
    whole = Fingerprints(
        tuple(name for s in sets for name in s.names),
        np.concatenate([s.marks for s in sets]),
        np.concatenate([s.stretch for s in sets]),
        np.concatenate([s.keys for s in sets]),
        np.concatenate([s.alarm + np.uint32(n) for s, n in zip(sets, starts, strict=False)]),
        _offsets(np.concatenate([np.diff(s.begin) for s in sets])),
        np.concatenate([s.windows for s in sets]),
    )
    order = sorted(range(len(whole)), key=lambda i: whole.names[i])
    return whole.taken(np.array(order, dtype=np.int64))


def fingerprint(name: str, kind: str, mark: int, keyed: Hashes, probed: int, stretch: int) -> Fingerprints:
    """Make the fingerprint of one alarm from its keyed windows, of which the first `probed` are looked up."""
    low = np.unique(keyed.astype(np.uint32))
    return Fingerprints(
        ((name, kind),),
        np.array([mark], dtype=np.uint64),
        np.array([stretch], dtype=np.uint32),
        np.unique(keyed[:probed]),
        np.zeros(len(np.unique(keyed[:probed])), dtype=np.uint32),
        _offsets(np.array([len(low)])),
        low,
    )


def votes_needed(probed: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Say how many looked-up windows name an alarm: 2, fewer for short ones; what they name must be seconded."""
    return np.where(probed >= 4, 2, 1).astype(np.uint8)


def seconds_needed(probed: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Say how many of all its windows must stand among a text's sampled ones: 3, fewer for short ones."""
    return np.select([probed >= 9, probed >= 4], [3, 2], 1).astype(np.uint8)


def encode_segment(alarms: Fingerprints) -> Iterator[bytes]:
    """Encode alarms, which must be in order of id, piece by piece."""
    order = np.lexsort((alarms.alarm, alarms.keys))
    keys, postings = alarms.keys[order], alarms.alarm[order]
    fresh = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, dtype=bool)
    distinct = keys[fresh]
    starts = np.concatenate([np.flatnonzero(fresh), [len(keys)]]).astype(np.uint32)
    marks = np.unique(alarms.marks)
    names = [f"{name}\t{kind}".encode() for name, kind in alarms.names]
    arrays = (
        marks,
        *_placed(distinct),
        starts,
        postings,
        np.searchsorted(marks, alarms.marks).astype(np.uint16),
        votes_needed(np.bincount(alarms.alarm, minlength=len(alarms))),
        alarms.stretch,
        alarms.begin,
        alarms.windows,
        _offsets(np.array([len(n) for n in names], dtype=np.int64)),
        np.frombuffer(b"".join(names), dtype=np.uint8),
    )
    sizes = (len(alarms), len(marks), len(arrays[1]), len(distinct), len(keys), len(alarms.windows), len(arrays[-1]))
    yield _HEAD.pack(MAGIC, VERSION, 0, *sizes)
    for array in arrays:
        raw = array.tobytes()
        yield raw + bytes(-len(raw) % 8)


def _placed(keys: Hashes) -> tuple[Hashes, U32]:
    """Place distinct keys, ascending, in a table; list l belongs to the l-th key."""
    size = LEAST_SLOTS
    while len(keys) > FULL * size:
        size *= 2
    slots, value = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint32)
    steps = np.arange(len(keys))
    at = np.maximum.accumulate(_home(keys, size) - steps) + steps
    inside = at < size
    slots[at[inside]], value[at[inside]] = keys[inside], steps[inside]
    free = 0
    for number in steps[~inside]:  # the few that run over the end go on at the beginning
        while slots[free]:
            free += 1
        slots[free], value[free] = keys[number], number
    return slots, value


def _home(keys: Hashes, size: int) -> NDArray[np.int64]:
    return (keys >> np.uint64(64 - size.bit_length() + 1)).astype(np.int64)


@dataclass(frozen=True)
class Segment:
    """Read a segment in place; every bound is checked once, as it is opened."""

    marks: Hashes
    slots: Hashes
    slot_value: U32
    starts: U32
    postings: U32
    group: NDArray[np.uint16]
    need: NDArray[np.uint8]
    stretch: U32
    begin: U32
    windows: U32
    name_at: U32
    names: NDArray[np.uint8]

    @classmethod
    def parse(cls, raw: bytes | memoryview) -> Self:
        """Parse a segment without copying it.

        Errors: FormatError for anything that `encode_segment` would not give.
        """
        segment = cls.read(raw)
        _check(segment)
        return segment

    @classmethod
    def read(cls, raw: bytes | memoryview) -> Self:
        """Read a segment that has been parsed before, without going through all its numbers again."""
        return cls(*_arrays(raw))

    def __len__(self) -> int:
        return len(self.need)

    @property
    def table(self) -> AlarmTable:
        """The part of it that is looked up."""
        of_alarms = (self.need, self.seconds, self.begin, self.windows)
        return AlarmTable(self.slots, self.slot_value, self.starts, self.postings, *of_alarms)

    def voted(self, keyed: Hashes, starts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Name the lines of which enough windows vote for an alarm, each window for its first few, and second it.

        Shape: line i's windows, which are distinct, are `keyed[starts[i]:starts[i + 1]]`.
        """
        return np.unique(self.named(keyed, starts, most)[:, 0])

    def named(self, keyed: Hashes, starts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Name the pairs (line, alarm) with enough votes that are seconded."""
        if kernels_in_use() != "python":
            return probe_vote(self.table, keyed, starts, most)[:, :2].astype(np.int64)
        pairs = self.named_by_arrays(keyed, starts, most)
        return pairs[self.seconded(pairs, keyed, starts)]

    def seconded(self, pairs: NDArray[np.int64], keyed: Hashes, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say of pairs (line, alarm) whether enough of the line's windows are among the alarm's, looked up or not."""
        number = np.arange(len(pairs), dtype=np.uint64)
        theirs, of_line = _gathered(keyed, starts, pairs[:, 0])
        ours, of_alarm = _gathered(self.windows, self.begin, pairs[:, 1])
        wanted = number[of_alarm] << np.uint64(32) | ours.astype(np.uint64)  # ascends: pair by pair, and within each
        asked = number[of_line] << np.uint64(32) | theirs.astype(np.uint32).astype(np.uint64)
        place = np.minimum(np.searchsorted(wanted, asked), max(len(wanted) - 1, 0))
        held = wanted[place] == asked if len(wanted) else np.zeros(len(asked), dtype=bool)
        counts = np.bincount(of_line[held], minlength=len(pairs))
        enough: NDArray[np.bool_] = counts >= self.seconds[pairs[:, 1]]
        return enough

    @cached_property
    def seconds(self) -> NDArray[np.uint8]:
        """How many of each alarm's windows must be among a text's sampled ones."""
        return seconds_needed(count_posted(self.postings, len(self)))

    def named_by_arrays(self, keyed: Hashes, starts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """Name the pairs with enough votes by array passes: the kernel's stand-in."""
        lists = self.lists_of(keyed)
        hit = np.flatnonzero(lists >= 0)
        which, alarm = self.postings_of(lists[hit], most)
        lines = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        pairs, votes = np.unique(lines[hit[which]] * len(self) + alarm, return_counts=True)
        voted = np.stack(np.divmod(pairs, len(self)), axis=1)
        named: NDArray[np.int64] = voted[votes >= self.need[voted[:, 1]]]
        return named

    def name(self, alarm: int) -> tuple[str, str]:
        """Give an alarm's id and kind."""
        raw = self.names[self.name_at[alarm] : self.name_at[alarm + 1]].tobytes()
        name, _, kind = raw.decode().partition("\t")
        return name, kind

    def alarms(self) -> Fingerprints:
        """Unpack all alarms."""
        used = np.flatnonzero(self.slots)
        lists = self.slot_value[used].astype(np.int64)
        counts = np.diff(self.starts)[lists].astype(np.int64)
        at = np.repeat(self.starts[:-1][lists].astype(np.int64), counts) + _steps(counts)
        return Fingerprints(
            tuple(self.name(i) for i in range(len(self))),
            self.marks[self.group],
            self.stretch,
            np.repeat(self.slots[used], counts),
            self.postings[at],
            self.begin,
            self.windows,
        )

    def lists_of(self, keyed: Hashes) -> NDArray[np.int64]:
        """Look keys up; give the list of each, -1 where it has none."""
        found = np.full(len(keyed), -1, dtype=np.int64)
        at, open_ = _home(keyed, len(self.slots)), np.arange(len(keyed))
        while len(open_):
            seen = self.slots[at]
            same = seen == keyed[open_]
            found[open_[same]] = self.slot_value[at[same]]
            on = ~same & (seen != 0)
            open_, at = open_[on], (at[on] + 1) & (len(self.slots) - 1)
        return found

    def postings_of(self, lists: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the first few alarms of each list, as (place in `lists`, alarm)."""
        starts = self.starts[lists].astype(np.int64)
        counts = np.minimum(self.starts[lists + 1].astype(np.int64) - starts, most)
        at = np.repeat(starts, counts) + _steps(counts)
        return np.repeat(np.arange(len(lists)), counts), self.postings[at].astype(np.int64)


def _arrays(raw: bytes | memoryview) -> Iterator[NDArray[Any]]:
    if len(raw) < _HEAD.size:
        raise _bad("is shorter than its header")
    magic, version, spare, alarms, marks, slots, lists, pairs, windows, names = _HEAD.unpack(raw[: _HEAD.size])
    if magic != MAGIC or spare:
        raise _bad("is none")
    if version != VERSION:
        raise _bad(f"has version {version}, known is {VERSION}")
    shape = (
        ("<u8", marks), ("<u8", slots), ("<u4", slots), ("<u4", lists + 1), ("<u4", pairs), ("<u2", alarms),
        ("u1", alarms), ("<u4", alarms), ("<u4", alarms + 1), ("<u4", windows), ("<u4", alarms + 1), ("u1", names),
    )  # fmt: skip
    sizes = [count * np.dtype(kind).itemsize for kind, count in shape]
    if len(raw) != _HEAD.size + sum(size + -size % 8 for size in sizes):
        raise _bad("has not the size that its header says")
    at = _HEAD.size
    for (kind, count), size in zip(shape, sizes, strict=True):
        yield np.frombuffer(raw, dtype=kind, count=count, offset=at)
        if any(raw[at + size : at + size + -size % 8]):
            raise _bad("is padded with something")
        at += size + -size % 8


def _check(s: Segment) -> None:
    used = s.slots != 0
    size, lists, count = len(s.slots), len(s.starts) - 1, len(s)
    held = np.diff(s.begin.astype(np.int64))
    length = np.diff(s.starts.astype(np.int64))
    sound = (
        0 < count <= MOST_ALARMS
        and size >= LEAST_SLOTS
        and size & (size - 1) == 0
        and int(used.sum()) == lists <= FULL * size
        and bool((s.slot_value[used] < lists).all())
        and bool((np.bincount(s.slot_value[used], minlength=lists) == 1).all())
        and not s.slot_value[~used].any()
        and s.starts[0] == 0
        and s.starts[-1] == len(s.postings)
        and bool((length > 0).all())
        and bool((s.postings < count).all())
        and _rises(s.postings, s.starts)
        and bool((s.group < len(s.marks)).all())
        and _rises(s.marks, np.array([0], dtype=np.uint32))
        and s.begin[0] == 0
        and s.begin[-1] == len(s.windows)
        and bool(((held > 0) & (held <= MOST_WINDOWS)).all())
        and _rises(s.windows, s.begin)
        and bool((s.need == votes_needed(np.bincount(s.postings, minlength=count))).all())
    )
    if not sound:
        raise _bad("holds numbers out of bounds")
    _check_names(s)


def _check_names(s: Segment) -> None:
    at = s.name_at.astype(np.int64)
    if at[0] != 0 or at[-1] != len(s.names) or (np.diff(at) < 3).any():
        raise _bad("holds names out of bounds")
    raw, tabs = s.names.tobytes(), np.flatnonzero(s.names == TAB)
    inside = len(tabs) == len(s) and bool(((tabs > at[:-1]) & (tabs < at[1:] - 1)).all())
    if not inside or (s.names[at[:-1]] & 0xC0 == 0x80).any():
        raise _bad("holds an unfit name")
    try:
        if not raw.decode().replace("\t", "").isprintable():
            raise _bad("holds an unfit name")
    except UnicodeDecodeError as error:
        raise _bad("holds a name that is not UTF-8") from error
    ids = (raw[a:b] for a, b in zip(at.tolist(), tabs.tolist(), strict=False))
    if any(a >= b for a, b in pairwise(ids)):
        raise _bad("holds names out of order")


def _rises(values: NDArray[Any], starts: U32) -> bool:
    """Say whether values rise strictly within every list."""
    if len(values) < 2:
        return True
    up = values[1:] > values[:-1]
    inner = starts[(starts > 0) & (starts < len(values))].astype(np.int64)
    up[inner - 1] = True
    return bool(up.all())


def _bad(what: str) -> FormatError:
    return FormatError(f"a segment of the fingerprint bank {what}", hint=_REBUILD)


def _offsets(counts: NDArray[np.generic]) -> U32:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)


def _gathered(
    values: NDArray[Any], starts: NDArray[Any], lists: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Put the values of these lists behind one another; say which list of them each comes from."""
    first = starts[lists].astype(np.int64)
    counts = starts[lists + 1].astype(np.int64) - first
    return values[np.repeat(first, counts) + _steps(counts)], np.repeat(np.arange(len(lists)), counts)


def _steps(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count 0, 1, 2 … anew for each of these counts."""
    return np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
