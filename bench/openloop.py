"""Ask a server at planned times, whatever it does: latency counts from the plan, so that no delay hides another.

One thread turns in a loop over kept connections and sleeps only until shortly before the next request is due, or an
answer comes: give it a core of its own. A request whose time has
come takes a free connection, or waits for one, which counts as latency too.
"""

import gc
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

Clock = Callable[[], float]  # seconds
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
AHEAD = 0.0002  # seconds
PATIENCE = 5.0  # seconds that answers may take after the last request


def plan(rate: float, seconds: float, seed: int) -> list[float]:
    """Plan when requests are due, in seconds from the start: at random, as strangers ask."""
    random, due, at = Random(seed), [], 0.0
    while (at := at + random.expovariate(rate)) < seconds:
        due.append(at)
    return due


@dataclass
class Told:
    """Hold what was measured. Units: seconds; `late` is how long after its time a request left, for want of a turn."""

    latency: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    unanswered: int = 0
    bodies: list[bytes] = field(default_factory=list)


@dataclass
class _Line:
    socket: socket.socket
    planned: float = 0.0
    got: bytearray = field(default_factory=bytearray)


class OpenLoop:
    """Ask one server over a number of connections."""

    def __init__(self, host: str, port: int, connections: int, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self._poll = select.epoll()
        self._lines: dict[int, _Line] = {}
        for _ in range(connections):
            opened = socket.create_connection((host, port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.setblocking(False)
            self._lines[opened.fileno()] = _Line(opened)
            self._poll.register(opened.fileno(), select.EPOLLIN)
        self._free = deque(self._lines.values())

    def run(self, due: Sequence[float], requests: Sequence[bytes], keep_every: int = 50) -> Told:
        """Send each request at its time, the requests in turn, and wait for the answers."""
        told, waiting, sent, answered = Told(), deque(enumerate(due)), 0, 0
        gc.disable()
        start = self._clock() + 0.01
        while answered < len(due):
            now = self._clock() - start
            while waiting and waiting[0][1] <= now and self._free:
                number, planned = waiting.popleft()
                self._send(self._free.popleft(), requests[number % len(requests)], planned)
                told.late.append(now - planned)
                sent += 1
            for descriptor in self._ready(waiting[0][1] - now if waiting else PATIENCE):
                if body := self._receive(self._lines[descriptor], told, start):
                    answered += 1
                    if answered % keep_every == 0:
                        told.bodies.append(body)
            if now > due[-1] + PATIENCE:
                break
        gc.enable()
        told.unanswered = len(due) - answered
        return told

    def _ready(self, seconds: float) -> list[int]:
        """Wait for answers until shortly before the next request is due."""
        if seconds > AHEAD:
            select.select([self._poll.fileno()], [], [], seconds - AHEAD)  # to the microsecond, unlike epoll's own
        return [descriptor for descriptor, _ in self._poll.poll(0)]

    def _send(self, line: _Line, request: bytes, planned: float) -> None:
        line.planned = planned
        line.got.clear()
        if line.socket.send(request) != len(request):
            raise OSError("a request did not fit into the socket's buffer")

    def _receive(self, line: _Line, told: Told, start: float) -> bytes | None:
        line.got += line.socket.recv(1 << 16)
        head, _, body = bytes(line.got).partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not length or len(body) < int(length[1]):
            return None
        told.latency.append(self._clock() - start - line.planned)
        status = int(head[9:12])
        told.statuses[status] = told.statuses.get(status, 0) + 1
        self._free.append(line)
        return body

    def close(self) -> None:
        """Hang up."""
        for line in self._lines.values():
            line.socket.close()
        self._poll.close()


def http(path: str, body: bytes, token: str) -> bytes:
    """Write a request."""
    head = f"POST {path} HTTP/1.1\r\nhost: node\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def share(values: Sequence[float], part: float) -> float:
    """Give the value that `part` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")
