"""Remember which of very many ids were seen, in memory that does not grow with their number."""

import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tocsin.forms import TransportError
from tocsin.traffic.hashing import hash_strings

# Keys are 128 bits: array of shape (2, n), row 0 the high halves in ascending order, row 1 the low halves beside them.
Keys = npt.NDArray[np.uint64]
_BLOCK = 128  # keys between two entries of a spilled run's index
_GAP = 4  # blocks read along rather than asked for apart
_SLICE = 2048  # keys looked up at a time, which bounds what is read
_MERGE = 1 << 16  # keys of each run held while two are merged, or one is written
_A_WORD = 8  # keys of a run for each word of its filter, until the filter is as large as it may be
_MOST_WORDS = 1 << 22  # 32 MB


class MemoryFailedError(TransportError):
    """Raise when what was seen can no longer be told, so that nothing more can be read once only."""


class SeenIds:
    """Hold a set of ids as 128-bit hashes: up to `keep` in memory, the others in sorted runs under `spill_dir`.

    Runs merge like the digits of a binary counter, so n ids lie in about log2(n / keep) runs. Their files have no name:
    they vanish on close, and with the process. Raises MemoryFailedError, a TransportError, where a run can be neither
    written nor read.
    """

    def __init__(self, spill_dir: Path, *, keep: int = 1 << 20) -> None:
        self.spill_dir = spill_dir
        self._keep = keep
        self._seeds = (secrets.randbits(64), secrets.randbits(64))
        self._young = _Young(keep)
        self._old: list[_Run] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything and free the disk."""
        for run in self._old:
            run.close()
        self._old, self._young = [], _Young(0)

    def add(self, ids: pa.Array) -> npt.NDArray[np.bool_]:
        """Add an array of strings without nulls; say for each whether it was new, the first of equal ones alone."""
        return self.add_keys(hash_strings(ids, self._seeds))

    def add_keys(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Add keys of shape (2, n) in any order; say for each whether it was new, the first of equal ones alone."""
        new = np.zeros(keys.shape[1], np.bool_)
        for at in range(0, len(new), self._keep):
            new[at : at + self._keep] = self._add(keys[:, at : at + self._keep])
        return new

    def _add(self, keys: Keys) -> npt.NDArray[np.bool_]:
        new = ~self._spilled(keys)
        new[new] = self._young.add(keys[:, new])
        if self._young.size >= self._keep:
            self._spill()
        return new

    def _spilled(self, keys: Keys) -> npt.NDArray[np.bool_]:
        held = np.zeros(keys.shape[1], np.bool_)
        for run in self._old:
            places = np.flatnonzero(run.filter.may_hold(keys))
            places = places[np.argsort(keys[0, places])]
            held[places] |= run.members(keys[:, places])
        return held

    def _spill(self) -> None:
        self._old.append(_Run(self.spill_dir, self._young.size, _sliced(self._young.empty())))
        while len(self._old) > 1 and self._old[-2].size < 2 * self._old[-1].size:
            right, left = self._old.pop(), self._old.pop()
            self._old.append(_Run(self.spill_dir, left.size + right.size, _merge_runs(left, right)))
            left.close()
            right.close()


class _Young:
    """Keep keys in memory in the order in which they came, and a table of slots that says where each stands.

    There is room for twice as many as are kept, and twice as many slots; memory that nothing was written to takes none.
    Which slot a key asks for first, nobody outside can know.
    """

    def __init__(self, keep: int) -> None:
        self.size = 0
        self._keys = np.empty((2, 2 * keep), np.uint64)
        self._bits = max(4 * keep - 1, 1).bit_length()
        self._slots = np.zeros(1 << self._bits, np.int32)  # the place of a key, from 1; 0 is free
        self._odd = np.uint64(secrets.randbits(64) | 1)

    def add(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Add keys; say for each whether it was new, the first of equal ones alone."""
        begin, count = self.size, keys.shape[1]
        self._keys[:, begin : begin + count] = keys
        names = np.arange(begin + 1, begin + count + 1, dtype=np.int32)
        at = ((keys[1] * self._odd) >> np.uint64(64 - self._bits)).astype(np.int64)
        new, live = np.zeros(count, np.bool_), np.arange(count)
        while live.size:
            held = self._claimed(at[live], names[live])
            won = held == names[live]
            new[live[won]] = True
            live, held = live[~won], held[~won]
            live = live[(self._keys[:, held - 1] != keys[:, live]).any(axis=0)]
            at[live] = (at[live] + 1) & (len(self._slots) - 1)
        self.size += int(new.sum())
        if self.size < begin + count:  # close up
            self._keys[:, begin : self.size] = keys[:, new]
            self._slots[at[new]] = names[: self.size - begin]
        return new

    def empty(self) -> Keys:
        """Forget all keys, and return them in order."""
        keys = self._keys[:, : self.size]
        self.size = 0
        self._slots[:] = 0
        return keys[:, np.argsort(keys[0])]

    def _claimed(self, at: npt.NDArray[np.int64], names: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Write names into those slots that are free, the first of several; return what the slots hold then."""
        free = np.flatnonzero(self._slots[at] == 0)[::-1]  # of what is written to one place, the last stays
        self._slots[at[free]] = names[free]
        return self._slots[at]


class _Filter:
    """Say of most keys that they are not among those added: three bits a key, all in one word.

    Source: Putze, Sanders and Singler 2007, "Cache-, hash- and space-efficient Bloom filters".
    """

    def __init__(self, keys: int) -> None:
        bits = min((keys // _A_WORD).bit_length(), _MOST_WORDS.bit_length() - 1)
        self._words = np.zeros(1 << bits, np.uint64)
        self._shift = np.uint64(63 - bits)

    def add(self, ordered: Keys) -> None:
        """Add sorted keys."""
        at = self._at(ordered)
        starts = np.flatnonzero(np.diff(at, prepend=-1))
        if len(at):
            self._words[at[starts]] |= np.bitwise_or.reduceat(_marks(ordered), starts)

    def may_hold(self, keys: Keys) -> npt.NDArray[np.bool_]:
        """Say for each key whether it may have been added: surely not where it says no."""
        marks = _marks(keys)
        held: npt.NDArray[np.bool_] = self._words[self._at(keys)] & marks == marks
        return held

    def _at(self, keys: Keys) -> npt.NDArray[np.int64]:
        at: npt.NDArray[np.int64] = (keys[0] >> np.uint64(1) >> self._shift).astype(np.int64)
        return at


def _marks(keys: Keys) -> npt.NDArray[np.uint64]:
    one, least = np.uint64(1), np.uint64(63)
    first, second, third = (one << (keys[1] >> np.uint64(shift) & least) for shift in (0, 6, 12))
    marks: npt.NDArray[np.uint64] = first | second | third
    return marks


class _Run:
    """Keep sorted keys in a nameless file, and in memory the first of every _BLOCK of them, and their filter."""

    def __init__(self, folder: Path, keys: int, parts: Iterable[Keys]) -> None:
        self.size, self.filter = 0, _Filter(keys)
        firsts: list[npt.NDArray[np.uint64]] = []
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by close()
            for part in parts:
                self._file.write(np.ascontiguousarray(part.T).tobytes())
                self.filter.add(part)
                firsts.append(part[0, -self.size % _BLOCK :: _BLOCK].copy())
                self.size += part.shape[1]
            self._file.flush()
        except OSError as error:
            raise MemoryFailedError(f"no room to remember ids: {error.strerror}", hint="free some disk") from None
        self._index = np.concatenate(firsts)

    def close(self) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> Keys:
        """Return the keys from one place to another, as many as there are."""
        return _keys(self._bytes(start, stop))

    def members(self, ordered: Keys) -> npt.NDArray[np.bool_]:
        """Say for each of the sorted keys whether it lies here."""
        slices = [ordered[:, at : at + _SLICE] for at in range(0, ordered.shape[1], _SLICE)]
        return np.concatenate([_members(self._near(part[0]), part) for part in slices] or [np.zeros(0, np.bool_)])

    def _bytes(self, start: int, stop: int) -> bytes:
        try:
            return os.pread(self._file.fileno(), (min(stop, self.size) - start) * 16, start * 16)
        except OSError as error:
            raise MemoryFailedError(f"ids remembered on disk cannot be read: {error.strerror}") from None

    def _near(self, highs: npt.NDArray[np.uint64]) -> Keys:
        """Return, sorted, every block that may hold one of the sorted highs."""
        first = np.maximum(np.searchsorted(self._index, highs, "left") - 1, 0)
        last = np.searchsorted(self._index, highs, "right")  # one past the block
        first = np.maximum(first, np.concatenate(([0], last[:-1])))  # no block twice
        wanted = first < last
        first, last = first[wanted], last[wanted]
        apart = first[1:] > last[:-1] + _GAP
        begins = first[np.concatenate(([True], apart))[: len(first)]] * _BLOCK
        ends = last[np.concatenate((apart, [True]))[: len(last)]] * _BLOCK
        return _keys(b"".join(self._bytes(*span) for span in zip(begins.tolist(), ends.tolist(), strict=True)))


def _keys(data: bytes) -> Keys:
    return np.ascontiguousarray(np.frombuffer(data, np.uint64).reshape(-1, 2).T)


def _members(run: Keys, ordered: Keys) -> npt.NDArray[np.bool_]:
    highs, lows = run
    held = np.zeros(ordered.shape[1], np.bool_)
    at = np.searchsorted(highs, ordered[0])
    live = np.flatnonzero(at < len(highs))
    while live.size:  # a second turn only where two keys share their high half
        live = live[highs[at[live]] == ordered[0, live]]
        held[live] |= lows[at[live]] == ordered[1, live]
        at[live] += 1
        live = live[at[live] < len(highs)]
    return held


def _sliced(keys: Keys) -> Iterator[Keys]:
    return (keys[:, at : at + _MERGE] for at in range(0, keys.shape[1], _MERGE))


def _merged(left: Keys, right: Keys) -> Keys:
    both = np.concatenate((left, right), axis=1)
    return both[:, np.argsort(both[0], kind="stable")]


def _merge_runs(left: _Run, right: _Run) -> Iterator[Keys]:
    """Yield the keys of two runs in order, a bounded number at a time."""
    parts = [left.read(0, _MERGE), right.read(0, _MERGE)]
    ends = [parts[0].shape[1], parts[1].shape[1]]
    while ends[0] < left.size or ends[1] < right.size:
        # Up to the lesser of the last keys held nothing is missing, save from a run that has given all.
        lasts = [p[0, -1] for p, end, run in zip(parts, ends, (left, right), strict=True) if end < run.size]
        cut = [int(np.searchsorted(part[0], min(lasts), "left")) for part in parts]
        yield _merged(parts[0][:, : cut[0]], parts[1][:, : cut[1]])
        for side, run in enumerate((left, right)):
            rest = parts[side][:, cut[side] :]
            more = run.read(ends[side], ends[side] + _MERGE - rest.shape[1])
            parts[side] = np.concatenate((rest, more), axis=1)
            ends[side] += more.shape[1]
    yield _merged(parts[0], parts[1])
