"""`tocsin serve`: one server process and its workers, kept alive, ended in good order."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tocsin.node.home import held
from tocsin.node.listening import Listening
from tocsin.node.log_lines import LogLines

STOP_SECONDS = 30.0
SLOWEST_RESTART = 10.0
_LOOK = 0.1
_PROGRAM = (sys.executable, "-P", "-m", "tocsin.node")


def become_supervisor(folder: Path, listening: Listening, workers: int, *, follows: bool) -> NoReturn:
    """Let this process go on as the supervisor alone, without all that it had loaded: that would be kept for ever."""
    port = listening.socket.fileno()
    os.set_inheritable(port, True)
    given = (str(folder), str(port), str(workers), *(["follows"] if follows else []))
    os.execv(sys.executable, [*_PROGRAM, "supervise", *given])


def supervise(folder: Path, port: int, workers: int, lines: LogLines, *, follows: bool) -> None:
    """Be the supervisor. Errors: PolicyError where another process serves the same folder."""
    Supervisor(folder, Listening(socket.socket(fileno=port)), workers, lines, follows).run()


@dataclass
class _Child:
    """One process, and when it may be started again."""

    name: str
    command: list[str]
    passed: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    pause: float = 0.0
    started: float = float("-inf")

    def start(self, now: float) -> None:
        self.process = subprocess.Popen(self.command, pass_fds=self.passed, stdin=subprocess.DEVNULL)
        self.started = now

    def ended(self) -> int | None:
        return self.process.poll() if self.process else 0

    def tell(self) -> None:
        """Tell it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def finish(self, seconds: float) -> None:
        """Wait for its end, and end it after that time."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_all(children: Sequence[_Child], seconds: float, clock: Callable[[], float]) -> None:
    """Tell all at once, then give them that time together."""
    for child in children:
        child.tell()
    until = clock() + seconds
    for child in children:
        child.finish(until - clock())


@dataclass
class Supervisor:
    """Start a server and workers on an open port; start again what dies; end all when told to."""

    folder: Path
    listening: Listening
    workers: int
    lines: LogLines
    follows: bool = False  # whether the settings name sources
    clock: Callable[[], float] = time.monotonic
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Supervise until the process is told to end.

        Errors: PolicyError where another process serves the same folder.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told)
        with held(self.folder):
            self._run()

    def _run(self) -> None:
        alive, kept = os.pipe()  # closes with this process, however it ends: so children know
        children = self._children(alive)
        try:
            while not self._stop.wait(_LOOK):
                self._look_after(children)
        finally:
            end_all(children, STOP_SECONDS, self.clock)
            for one in (kept, alive):
                os.close(one)

    def _told(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()

    def _children(self, alive: int) -> list[_Child]:
        port = self.listening.socket.fileno()
        server = _Child("server", [*_PROGRAM, "serve", str(self.folder), str(alive), str(port)], (alive, port))
        work = [*_PROGRAM, "work", str(self.folder), str(alive)]
        workers = [_Child(f"worker {n}", [*work, str(n)], (alive,)) for n in range(1, self.workers + 1)]
        follower = _Child("follower", [*_PROGRAM, "follow", str(self.folder), str(alive)], (alive,))
        return [server, *workers, *([follower] if self.follows else [])]

    def _look_after(self, children: list[_Child]) -> None:
        now = self.clock()
        for child in children:
            code = child.ended()
            if code is None or now < child.started + child.pause:
                continue
            if child.process:
                self.lines.warn("a process ended and is started again", which=child.name, code=code)
                lasted = now - child.started > SLOWEST_RESTART
                child.pause = 0.0 if lasted else min(SLOWEST_RESTART, 2 * child.pause + 0.25)
            child.start(now)
