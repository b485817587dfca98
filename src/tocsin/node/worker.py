"""The worker: a loop over jobs until it is told to stop."""

import threading
from collections.abc import Sequence
from typing import Protocol

from tocsin.forms import TocsinError
from tocsin.node.log_lines import LogLines
from tocsin.node.node import Node

IDLE_SECONDS = 0.1
TROUBLE_SECONDS = 2.0


class Job(Protocol):
    """One kind of work."""

    name: str

    def run(self, node: Node) -> bool:
        """Do a bounded piece of it; tell whether there was anything to do."""


def work(node: Node, jobs: Sequence[Job], stop: threading.Event, lines: LogLines) -> None:
    """Run jobs in turn until `stop` is set; one that fails is told, and tried again after a pause."""
    while not stop.is_set():
        busy = trouble = False
        for job in jobs:
            if stop.is_set():
                return
            try:
                busy = job.run(node) or busy
            except TocsinError as error:
                trouble = True
                lines.warn("a job failed", job=job.name, why=str(error), hint=error.hint)
        if trouble or not busy:
            stop.wait(TROUBLE_SECONDS if trouble else IDLE_SECONDS)
