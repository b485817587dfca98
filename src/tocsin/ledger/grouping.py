"""Appends of many threads, made durable together: what costs is the step to the disk, not the entries in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from tocsin.forms.errors import TocsinError, TransportError
from tocsin.ledger.log import Log
from tocsin.ledger.tiles import ENTRY_BYTES


@dataclass
class _Call:
    """One caller's entries; it is woken when they are in, or when it is its turn to serve all who wait."""

    entries: Sequence[bytes]
    indexes: list[int] | None = None
    error: TocsinError | None = None
    served: bool = False
    woken: Event = field(default_factory=Event)


class GroupedLog:
    """Share one log among threads. Who comes while others are being served waits, and is served with all who wait."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._door = Lock()
        self._waiting: list[_Call] = []
        self._busy = False

    def append(self, entries: Sequence[bytes]) -> list[int]:
        """Take entries and tell their indexes, as `Log.append` does and with its errors."""
        if max(map(len, entries), default=0) > ENTRY_BYTES:
            return self._log.append(entries)  # which refuses them, and nobody else's
        call = _Call(entries)
        with self._door:
            self._waiting.append(call)
            first, self._busy = not self._busy, True
        if not first:
            call.woken.wait()
        if not call.served:
            self._serve()
        return self._result(call)

    def _result(self, call: _Call) -> list[int]:
        if call.indexes is None:
            raise call.error or TransportError("the append was broken off", hint="append again; nothing is taken twice")
        return call.indexes

    def _serve(self) -> None:
        """Append for all who wait now, wake them, and hand the turn to one of those who came meanwhile."""
        with self._door:
            calls, self._waiting = self._waiting, []
        try:
            self._append(calls)
        finally:
            for call in calls:
                call.served = True
                call.woken.set()
            with self._door:
                self._busy = bool(self._waiting)
                if self._busy:
                    self._waiting[0].woken.set()

    def _append(self, calls: Sequence[_Call]) -> None:
        try:
            indexes = iter(self._log.append([entry for call in calls for entry in call.entries]))
        except TocsinError as error:
            for call in calls:
                call.error = error
            return
        for call in calls:
            call.indexes = [next(indexes) for _ in call.entries]
