"""Bring events from where they are written: a folder, a Kafka topic, a NATS stream; kept first, then confirmed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tocsin.forms import TransportError
from tocsin.node.inflow.folder import Folder, Place, Take
from tocsin.node.inflow.messages import Messages
from tocsin.node.inflow.pressure import has_room
from tocsin.node.node import Node
from tocsin.node.stores import cursors, leases, totals
from tocsin.node.worker import Job
from tocsin.traffic import NO_CONTENT, read_mixed

LEASE_US = 60_000_000
REFUSED, UNCAPTURED = "refused", "uncaptured"
_IDLE_S = 0.5
_RETRY_S = 5.0


def keep_lines(node: Node, lines: Sequence[bytes | None], source: str) -> None:
    """Take in lines of any form and count what was refused; durable when it returns.

    Errors: TransportError where nothing can be stored now: then bring them again.
    """
    piece = read_mixed(lines)
    node.intake.accept_batch(piece.traffic, source)
    note_refused(node, [reason for _, reason in piece.rejects])


def note_refused(node: Node, reasons: Sequence[str]) -> None:
    """Count what was refused; model calls without content apart: they are not clean but unseen."""
    uncaptured = sum(reason == NO_CONTENT for reason in reasons)
    counts = {UNCAPTURED: uncaptured, REFUSED: len(reasons) - uncaptured}
    if reasons:
        with node.database.writing() as connection:
            for name, count in counts.items():
                if count:
                    totals.add(connection, name, count)


@dataclass
class FollowFolder:
    """Follow a folder's files; of all processes on one database one does so at a time."""

    worker: str
    folder: Folder
    name: str = field(default="folder", init=False)
    _places: dict[int, Place] | None = field(default=None, init=False)
    _leased: int = field(default=0, init=False)
    _next: float = field(default=float("-inf"), init=False)

    def run(self, node: Node) -> bool:
        """Take in what is new, at most one chunk a file."""
        if time.monotonic() < self._next or not self._is_ours(node) or not has_room(node):
            return False
        busy = False
        for take in self.folder.takes(self._known(node), node.clock()):
            keep_lines(node, take.lines, f"folder {take.name}")
            self._moved(node, take)
            busy = True
            if not has_room(node):
                break
        self._next = float("-inf") if busy else time.monotonic() + _IDLE_S
        return busy

    def _is_ours(self, node: Node) -> bool:
        now = node.now()
        if not 0 <= now - self._leased < LEASE_US // 2:
            with node.database.writing() as connection:
                lease = leases.lease_of(connection, now, LEASE_US)
                ours = leases.take(connection, self._cursor, self.worker, lease)
            self._leased = now if ours else 0
            self._places = self._places if ours else None
            self._next = time.monotonic() + (0 if ours else _RETRY_S)
            return ours
        return True

    @property
    def _cursor(self) -> str:
        return "follow folder"

    def _known(self, node: Node) -> dict[int, Place]:
        if self._places is None:
            with node.database.reading() as connection:
                kept = cursors.below(connection, f"{self._cursor}/")
            self._places = {int(inode): msgspec.json.decode(place, type=Place) for inode, place in kept.items()}
        return self._places

    def _moved(self, node: Node, take: Take) -> None:
        name = f"{self._cursor}/{take.place.inode}"
        with node.database.writing() as connection:
            if take.gone:
                cursors.forget(connection, name)
            else:
                cursors.put(connection, name, msgspec.json.encode(take.place).decode(), node.now())
        places = self._known(node)
        places.pop(take.place.inode, None)
        if not take.gone:
            places[take.place.inode] = take.place


@dataclass
class TakeMessages:
    """Take messages of a topic or stream; they are confirmed once they are kept."""

    name: str
    join: Callable[[], Messages]
    _source: Messages | None = field(default=None, init=False)
    _held: Sequence[bytes] = field(default=(), init=False)  # fetched, but not yet kept
    _next: float = field(default=float("-inf"), init=False)

    def run(self, node: Node) -> bool:
        """Fetch, keep, confirm."""
        if time.monotonic() < self._next:
            return False
        try:
            return self._run(node)
        except TransportError:
            self._next = time.monotonic() + _RETRY_S
            raise

    def _run(self, node: Node) -> bool:
        self._source = self._source or self.join()
        if not has_room(node):
            self._source.rest()
            return False
        self._held = self._held or self._source.fetch()
        if not self._held:
            return False
        keep_lines(node, self._held, self._source.name)
        self._held = ()
        self._source.confirm()
        return True


def following(node: Node, worker: str) -> tuple[Job, ...]:
    """Make the jobs that the settings ask for."""
    c, jobs = node.config, list[Job]()
    if c.folder.path:
        path = node.home.path(c.folder.path) or Path()
        jobs.append(FollowFolder(worker, Folder(path, c.folder.patterns.split(), c.folder.settle_seconds)))
    if c.kafka.servers:
        jobs.append(TakeMessages("kafka", lambda: _kafka(node)))
    if c.nats.url:
        jobs.append(TakeMessages("nats", lambda: _nats(node)))
    return tuple(jobs)


def _kafka(node: Node) -> Messages:
    from tocsin.node.inflow.kafka import KafkaTopic
    from tocsin.node.inflow.options import read_options

    c = node.config.kafka
    return KafkaTopic(c.servers, c.topic, c.group, read_options(node.home.path(c.options)))


def _nats(node: Node) -> Messages:
    from tocsin.node.inflow.nats import NatsStream

    c = node.config.nats
    credentials = node.home.path(c.credentials)
    return NatsStream(c.url, c.stream, c.subject, c.durable, str(credentials) if credentials else "")
