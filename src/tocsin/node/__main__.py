"""The processes that `tocsin serve` starts: `python -m tocsin.node serve DIR ALIVE PORT`, `… work DIR ALIVE SLOT`."""

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from tocsin.forms import TocsinError, digest_id
from tocsin.node.log_lines import LogLines


def main(arguments: list[str]) -> int:
    """Run one process until it is told to end, or its parent is gone."""
    role, folder, alive, *rest = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    threading.Thread(target=_end_with_parent, args=(int(alive),), daemon=True).start()
    lines = LogLines(role, time.time)
    try:
        if role == "serve":
            serve(Path(folder), int(rest[0]))
        else:
            work(Path(folder), rest[0], lines)
    except TocsinError as error:
        lines.warn("this process cannot go on", why=str(error), hint=error.hint)
        return error.exit_code
    return 0


def serve(folder: Path, port: int) -> None:
    """Serve the API on an inherited port."""
    from tocsin.node.app import build_app
    from tocsin.node.node import open_node
    from tocsin.node.serving import Listening

    node = open_node(folder)
    try:
        app = build_app(node)
        app.state.checks.begin(warm=True)
        Listening(socket.socket(fileno=port)).serve(app)
    finally:
        node.close()


def work(folder: Path, slot: str, lines: LogLines) -> None:
    """Run the jobs; what this slot had begun when it died is taken up again at once."""
    from tocsin.node.jobs.casing import Casing
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
        jobs = (Screening.load(node, name), Casing.load(node, name), Retention(name))
        work_through(node, jobs, stop, lines)
    finally:
        node.close()


def _end_with_parent(alive: int) -> None:
    os.read(alive, 1)  # returns once nobody holds the other end any more
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
