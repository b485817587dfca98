"""What the batches of a run gave, gathered in memory that grows with accounts and findings, not with events."""

from collections import deque
from collections.abc import Iterable, Iterator
from ctypes import CDLL
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from tocsin.forms import FINDINGS, SKETCHES
from tocsin.screen import Screened, Tally, judge_behaviour, thin_sketches

_MOST_SKETCHES = 600_000
_PACK_ROWS = 1 << 16


class Tables(Protocol):
    """Hold tables of one schema, like a list."""

    def append(self, table: pa.Table) -> None:
        """Put one behind the others."""
        ...

    def __iter__(self) -> Iterator[pa.Table]:
        """Give them in their order."""
        ...


@dataclass
class Gathered:
    """Gather parts in the order of their batches, merging and thinning as they come."""

    activity: Tally = field(default_factory=Tally)
    findings: Tables = field(default_factory=list)
    sketched: int = 0  # sketches seen, those thinned out since included
    _sketches: list[pa.Table] = field(default_factory=list)

    def add(self, screened: Screened) -> None:
        """Take in one part."""
        self.findings.append(screened.findings)
        self.activity.add(screened.activity)
        self.sketched += len(screened.sketches)
        self._sketches.append(thin_sketches(screened.sketches, self.sketched))
        if sum(map(len, self._sketches)) > _MOST_SKETCHES:
            give_back()
            held = deque(self._sketches)
            self._sketches = []  # each goes as soon as it is packed
            self._sketches = list(_packed(thin_sketches(held.popleft(), self.sketched) for _ in range(len(held))))

    def judge(self, standard_version: str, *, go_on: bool = False) -> tuple[pa.Table, pa.Table]:
        """Judge the behaviour of the whole run; return all FINDINGS, those of rules first, and the merged ACTIVITY.

        What was gathered is gone then, for it takes room, unless the run is to `go_on`.
        """
        rules = pa.concat_tables([FINDINGS.empty_table(), *self.findings])
        sketches = pa.concat_tables([thin_sketches(SKETCHES.empty_table(), 0), *self._thinned()])
        if not go_on:
            self._sketches = []
        give_back()
        behaviour, activity = judge_behaviour(self.activity.whole(), sketches, rules, standard_version)
        del sketches
        give_back()
        return pa.concat_tables([rules, behaviour]), activity

    def _thinned(self) -> Iterator[pa.Table]:
        """Thin what is held; a share that shrinks as the run grows keeps a subset each time."""
        return (thin_sketches(table, self.sketched) for table in self._sketches)


def give_back() -> None:
    """Give the system the memory that batches took and nobody needs any more."""
    pa.default_memory_pool().release_unused()
    if trim := getattr(CDLL(None), "malloc_trim", None):  # the C library's, where it has one
        trim(0)


def _packed(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join tables until each is large, and never all of them at once."""
    small: list[pa.Table] = []
    for table in tables:
        small.append(table)
        if sum(map(len, small)) >= _PACK_ROWS:
            yield pa.concat_tables(small).combine_chunks()
            small = []
    yield from small
