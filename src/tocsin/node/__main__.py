"""The processes of a node, `python -m tocsin.node ROLE DIR …`: `tocsin serve` goes on as `supervise DIR PORT WORKERS`,
which starts `serve DIR ALIVE PORT`, `work DIR ALIVE SLOT`, and where the settings name a source, `follow DIR ALIVE`."""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tocsin.forms import TocsinError, digest_id
from tocsin.node.listening import Listening
from tocsin.node.log_lines import LogLines
from tocsin.node.supervise import supervise

SWITCH_SECONDS = 0.001  # after which a thread that judges a large text lets the others go on


def main(arguments: list[str]) -> int:
    """Run one process until it is told to end, or its parent is gone."""
    role, folder, *rest = arguments
    lines = LogLines(role, time.time)
    try:
        if role == "supervise":
            supervise(Path(folder), int(rest[0]), int(rest[1]), lines, follows="follows" in rest)
        else:
            _be_child(role, Path(folder), rest, lines)
    except TocsinError as error:
        lines.warn("this process cannot go on", why=str(error), hint=error.hint)
        return error.exit_code
    return 0


def _be_child(role: str, folder: Path, rest: list[str], lines: LogLines) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    alive, *given = rest
    threading.Thread(target=_end_with_parent, args=(int(alive),), daemon=True).start()
    if role == "serve":
        serve(folder, int(given[0]))
    elif role == "work":
        work(folder, given[0], lines)
    else:
        follow(folder, lines)


def serve(folder: Path, port: int) -> None:
    """Serve the API on an inherited port."""
    from tocsin.node.app import build_app
    from tocsin.node.node import open_node

    node = open_node(folder)
    try:
        sys.setswitchinterval(SWITCH_SECONDS)
        app = build_app(node)
        app.state.checks.begin(warm=True)
        Listening(socket.socket(fileno=port)).serve(app, behind_proxy=node.config.access.limit_loopback)
    finally:
        node.close()


def work(folder: Path, slot: str, lines: LogLines) -> None:
    """Run the jobs; what this slot had begun when it died is taken up again at once."""
    from tocsin.node.jobs.casing import Casing
    from tocsin.node.jobs.delivering import Delivering
    from tocsin.node.jobs.looking_back import LookingBack
    from tocsin.node.jobs.retention import Retention
    from tocsin.node.jobs.screening import Screening
    from tocsin.node.node import open_node
    from tocsin.node.stores import events
    from tocsin.node.worker import work as work_through

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    node = open_node(folder)
    name = digest_id("W", socket.gethostname(), str(folder.resolve()), slot)
    try:
        with node.database.writing() as connection:
            events.release(connection, name)
        casing = Casing.load(node, name)
        delivering = Delivering(name, casing.standard.names, lines)
        beside = threading.Thread(target=_surely, args=(work_through, node, (delivering,), stop, lines))
        beside.start()  # a receiver that is slow to answer holds up no screening
        work_through(node, (Screening.load(node, name), casing, LookingBack(name), Retention(name)), stop, lines)
        beside.join()
    finally:
        stop.set()
        node.close()


def follow(folder: Path, lines: LogLines) -> None:
    """Bring events from the sources in the settings, apart from the workers: a broker that hangs holds up none."""
    from tocsin.node.jobs.following import following
    from tocsin.node.node import open_node
    from tocsin.node.worker import work as work_through

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    node = open_node(folder)
    try:
        name = digest_id("W", socket.gethostname(), str(folder.resolve()), "follow")
        work_through(node, following(node, name), stop, lines)
    finally:
        node.close()


def _surely(run: Callable[..., None], *given: object) -> None:
    """Run a thread's work; if it fails in a way that nobody foresaw, the process ends and is started again."""
    try:
        run(*given)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)  # returns once nobody holds the other end any more
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
