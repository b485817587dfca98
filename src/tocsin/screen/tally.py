"""ACTIVITY and PACE of a whole run: the counts of its batches added up, in any order and grouping.

Accounts and what they share are numbered, and sums are kept by number: memory grows with accounts and with what they
share. Only the hours in which accounts are busy may be nearly as many as events; they are handed to a spill.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import ACTIVITY
from tocsin.screen.activity import COUNTS, SHARED, SUMS

Ints = NDArray[np.int64]
Read = Callable[[int, int], Ints]  # columns from one place to another of a run of shape (2, n)
Spill = Callable[[Ints], Read]  # keeps a run elsewhere

_BLOCK = 1 << 16  # accounts whose hours are looked at together
_LOW = 32  # bits of a key for the second of the two numbers that it holds
_HOUR_ZERO = 1 << 31
_DAY = 24
_UNKNOWN = np.iinfo(np.int64).max
_TIMES = (("first", np.minimum), ("last", np.maximum), ("signed_up", np.minimum))
_FOLDS = (*((name, np.add) for name in SUMS), *_TIMES)

# How an account's questions spread over hours: one row an account that asked anything.
PACE = pa.schema(
    [
        pa.field("account", pa.string(), nullable=False),
        pa.field("peak", pa.int64(), nullable=False),  # user turns in its busiest hour
        pa.field("peak_hour", pa.int64(), nullable=False),  # that hour since 1970, of equals the first
        pa.field("hours", pa.int64(), nullable=False),  # in which it asked
        pa.field("clock_hours", pa.int64(), nullable=False),  # different hours of the clock among them
        pa.field("events", pa.int64(), nullable=False),
        pa.field("squares", pa.int64(), nullable=False),  # sum over hours of the events squared
    ]
)


@dataclass(frozen=True, slots=True)
class Activity:
    """Hold what a run's accounts did and shared, as ACTIVITY sorted by its keys, and when they did it, as PACE."""

    rows: pa.Table
    pace: pa.Table


def keep_in_memory(run: Ints) -> Read:
    """Spill nowhere."""
    return lambda start, stop: run[:, start:stop]


class Names:
    """Number strings in the order in which they first come."""

    def __init__(self) -> None:
        self.known = pa.array([], pa.string())

    def number(self, names: pa.Array) -> Ints:
        """Number each; a null has -1."""
        coded = names.dictionary_encode()
        own = coded.dictionary
        new = own.filter(pc.is_null(pc.index_in(own, self.known)))
        if len(new):
            self.known = pa.concat_arrays([self.known, new])
        places = pc.index_in(own, self.known).take(coded.indices)
        return np.asarray(pc.fill_null(places, -1)).astype(np.int64)

    def ranks(self) -> Ints:
        """Say of each number how many names sort before it."""
        ranks = np.empty(len(self.known), dtype=np.int64)
        ranks[np.asarray(pc.sort_indices(self.known))] = np.arange(len(ranks))
        return ranks


@dataclass(slots=True)
class _Sums:
    """Hold figures by key; shapes: `keys` (n,) ascending, `figures` (len(_FOLDS), n) or (1, n) of events alone."""

    keys: Ints
    figures: Ints

    @classmethod
    def of(cls, keys: Ints, figures: Ints) -> "_Sums":
        """Fold the figures of equal keys."""
        order = np.argsort(keys)
        keys = keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
        if not len(keys):
            return cls(keys, figures)
        folded = [fold.reduceat(row[order], starts) for (_, fold), row in zip(_FOLDS, figures, strict=False)]
        return cls(keys[starts], np.stack(folded))

    def plus(self, other: "_Sums") -> "_Sums":
        """Add up."""
        keys = np.concatenate([self.keys, other.keys])
        return _Sums.of(keys, np.concatenate([self.figures, other.figures], axis=1))


def _nothing(figures: int) -> _Sums:
    return _Sums(np.empty(0, dtype=np.int64), np.empty((figures, 0), dtype=np.int64))


@dataclass
class Tally:
    """Add up COUNTS, with about so many rows of them held before they are added, and so many hours before a spill.

    Each time all sums are sorted anew: where there are more accounts than that, as many rows as accounts are held.
    """

    spill: Spill = keep_in_memory
    most_rows: int = 1 << 17
    most_hours: int = 1 << 18
    _held: list[pa.Table] = field(default_factory=list)
    _accounts: Names = field(default_factory=Names)
    _values: dict[str, Names] = field(default_factory=lambda: {name: Names() for name in SHARED})
    _sums: dict[str, _Sums] = field(default_factory=lambda: {n: _nothing(len(_FOLDS)) for n in ("account", *SHARED)})
    _hours: _Sums = field(default_factory=lambda: _nothing(1))
    _spilled: list[tuple[Ints, Read]] = field(default_factory=list)  # where each block of accounts begins in a run

    def add(self, counts: pa.Table) -> None:
        """Take in the counts of one batch."""
        self._held.append(counts)
        if sum(map(len, self._held)) >= max(self.most_rows, len(self._accounts.known)):
            self._fold()

    def whole(self) -> Activity:
        """Give what all batches amount to."""
        self._fold()
        return Activity(self._rows(), self._pace())

    def _fold(self) -> None:
        counts = pa.concat_tables([COUNTS.empty_table(), *self._held]).combine_chunks()
        self._held = []
        account = self._accounts.number(counts["account"].combine_chunks())
        figures = np.stack([_numbers(counts[name]) for name, _ in _FOLDS])
        self._add("account", account, figures)
        for name, names in self._values.items():
            value = names.number(counts[name].combine_chunks())
            named = value >= 0
            self._add(name, (value << _LOW | account)[named], figures[:, named])
        self._add_hours(account, np.asarray(counts["hour"]), figures[0])

    def _add(self, measure: str, keys: Ints, figures: Ints) -> None:
        self._sums[measure] = self._sums[measure].plus(_Sums.of(keys, figures))

    def _add_hours(self, account: Ints, hour: Ints, events: Ints) -> None:
        asked = events > 0
        keys = (account << _LOW | (hour + _HOUR_ZERO))[asked]
        self._hours = self._hours.plus(_Sums.of(keys, events[None, asked]))
        if len(self._hours.keys) >= self.most_hours:
            self._spilled.append(self._put(self._hours, self.spill))
            self._hours = _nothing(1)

    def _put(self, hours: _Sums, spill: Spill) -> tuple[Ints, Read]:
        blocks = np.arange(0, len(self._accounts.known) + _BLOCK, _BLOCK, dtype=np.int64) << _LOW
        return np.searchsorted(hours.keys, blocks), spill(np.stack([hours.keys, hours.figures[0]]))

    def _rows(self) -> pa.Table:
        accounts = self._accounts.known, self._accounts.ranks()
        tables = [_measured(name, sums, accounts, self._values.get(name)) for name, sums in sorted(self._sums.items())]
        return pa.concat_tables(tables)

    def _pace(self) -> pa.Table:
        runs = [*self._spilled, self._put(self._hours, keep_in_memory)]
        blocks = range(-(-len(self._accounts.known) // _BLOCK))
        tables = [_paced(_block(runs, block), self._accounts.known) for block in blocks]
        return pa.concat_tables([PACE.empty_table(), *tables]).sort_by("account")


def _numbers(column: pa.ChunkedArray) -> Ints:
    """Read a column of whole numbers or times; a time that nobody knows is later than all."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), _UNKNOWN), dtype=np.int64)


def _measured(name: str, sums: _Sums, accounts: tuple[pa.Array, Ints], values: Names | None) -> pa.Table:
    """Write the sums of one measure as ACTIVITY, sorted by value and account."""
    known, ranks = accounts
    account, value = sums.keys & ((1 << _LOW) - 1), sums.keys >> _LOW
    order = np.lexsort((ranks[account], values.ranks()[value])) if values else np.argsort(ranks[account])
    figures = dict(zip((name for name, _ in _FOLDS), sums.figures[:, order], strict=True))
    times = {name: _times(figures.pop(name)) for name, _ in _TIMES}
    columns = {
        "measure": pa.repeat(name, len(order)),
        "value": values.known.take(pa.array(value[order])) if values else pa.repeat("", len(order)),
        "account": known.take(pa.array(account[order])),
        **figures,
        **times,
    }
    return pa.table(columns, schema=ACTIVITY)


def _times(micros: Ints) -> pa.Array:
    return pa.array(micros, pa.int64(), mask=micros == _UNKNOWN).cast(ACTIVITY.field("first").type)


def _block(runs: list[tuple[Ints, Read]], block: int) -> _Sums:
    """Read the hours of a block of accounts from all runs."""
    return _added(read(*starts[block : block + 2].tolist()) for starts, read in runs if block + 1 < len(starts))


def _added(parts: Iterator[Ints]) -> _Sums:
    whole = np.concatenate([np.empty((2, 0), dtype=np.int64), *parts], axis=1)
    return _Sums.of(whole[0], whole[1:])


def _paced(hours: _Sums, accounts: pa.Array) -> pa.Table:
    """Sum up the hours of each account as PACE."""
    if not len(hours.keys):
        return PACE.empty_table()
    account, hour, events = hours.keys >> _LOW, (hours.keys & ((1 << _LOW) - 1)) - _HOUR_ZERO, hours.figures[0]
    starts = np.flatnonzero(np.diff(account, prepend=-1))
    peak = np.maximum.reduceat(events, starts)
    counts = np.diff(np.append(starts, len(account)))
    at_peak = np.where(events == np.repeat(peak, counts), hour, _UNKNOWN)
    clock = np.bitwise_or.reduceat(np.int64(1) << (hour % _DAY), starts)
    columns = {
        "account": accounts.take(pa.array(account[starts])),
        "peak": peak,
        "peak_hour": np.minimum.reduceat(at_peak, starts),
        "hours": counts,
        "clock_hours": (clock[:, None] >> np.arange(_DAY) & 1).sum(axis=1),
        "events": np.add.reduceat(events, starts),
        "squares": np.add.reduceat(events * events, starts),
    }
    return pa.table(columns, schema=PACE)
