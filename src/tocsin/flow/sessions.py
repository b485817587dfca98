"""The sessions of a run, merged in memory that is capped: what is over waits in sorted files."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import SESSIONS
from tocsin.screen.classifier import merge_sessions, of_accounts

MOST_ROWS = 1 << 19  # that are held; ADR 0024 has what they take


@dataclass
class SessionRuns:
    """Add up partial SESSIONS, in any order and grouping; `folder` is where sorted runs of them wait."""

    folder: Path
    most: int = MOST_ROWS
    held: int = field(default=0, init=False)
    _parts: list[pa.Table] = field(default_factory=list, init=False)
    _runs: list[Path] = field(default_factory=list, init=False)

    def add(self, part: pa.Table) -> None:
        """Take in partial SESSIONS.

        Errors: OSError where there is no room.
        """
        self._parts.append(part)
        self.held += len(part)
        if self.held <= self.most:
            return
        merged = merge_sessions(self._parts)
        self._parts, self.held = [merged], len(merged)
        if self.held > self.most // 2:  # else there is room again, without a file
            self._spill(merged)
            self._parts, self.held = [], 0

    def merged(self) -> Iterator[pa.Table]:
        """Give SESSIONS sorted, piece by piece; then those of accounts, which add up in memory."""
        accounts = SESSIONS.empty_table()
        for piece in self._pieces():
            accounts = merge_sessions([accounts, of_accounts(piece)])
            yield piece
        yield accounts

    def _spill(self, merged: pa.Table) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self._runs)}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, SESSIONS) as writer:
            writer.write_table(merged)
        self._runs.append(path)

    def _pieces(self) -> Iterator[pa.Table]:
        last = merge_sessions(self._parts)
        if not self._runs:
            yield last
            return
        runs = [last, *(pa.ipc.open_file(pa.memory_map(str(path))).read_all() for path in self._runs)]
        edges = _edges(runs, max(1, self.most // len(runs)))
        for low, high in zip([None, *edges], [*edges, None], strict=True):
            yield merge_sessions([_between(run, low, high) for run in runs])


def _edges(runs: list[pa.Table], step: int) -> list[str]:
    """Choose names of sessions between which no run has more than `step` rows, but for sessions of one name."""
    places = ((run, pa.array(range(step, len(run), step), pa.int64())) for run in runs)
    return sorted({name for run, at in places for name in run["session"].take(at).to_pylist()}, key=str.encode)


def _between(run: pa.Table, low: str | None, high: str | None) -> pa.Table:
    """Cut a sorted run to the sessions from one name to before another."""
    names = run["session"]
    start = 0 if low is None else pc.sum(pc.less(names, low)).as_py() or 0
    stop = len(run) if high is None else pc.sum(pc.less(names, high)).as_py() or 0
    return run.slice(start, stop - start)
