"""The load of the check's bench: planned times, and latency that counts from them."""

import socket
import sys
import threading
from itertools import count
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from openloop import OpenLoop, http, plan, share


def test_a_plan_keeps_its_rate_and_is_the_same_again() -> None:
    due = plan(500, 20, 1)
    assert due == sorted(due) == plan(500, 20, 1) != plan(500, 20, 2)
    assert len(due) == pytest.approx(10_000, rel=0.05) and due[-1] < 20


def test_shares_are_of_the_ordered_values() -> None:
    assert share([3, 1, 2, 4], 0.5) == 3 and share([1.0] * 99 + [9.0], 0.99) == 9.0
    assert share([], 0.5) != share([], 0.5)


def test_latency_counts_from_the_plan() -> None:
    """One connection, and a clock that runs on with every look: what is due meanwhile waits, and the wait is told."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        taken, _ = listening.accept()
        for _ in range(3):
            taken.recv(1 << 16)
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            taken.sendall(b"{}")
        taken.close()

    server = threading.Thread(target=serve)
    server.start()
    loop = OpenLoop("127.0.0.1", listening.getsockname()[1], 1, clock=count(0, 1e-5).__next__)
    told = loop.run([0.0, 1e-6, 2e-6], [http("/", b"{}", "t")], keep_every=1)
    loop.close()
    server.join()
    listening.close()
    assert told.statuses == {200: 3} and told.unanswered == 0 and told.bodies == [b"{}"] * 3
    assert all(late > 0 for late in told.late[1:]) and told.late == sorted(told.late)
    assert all(latency > late for latency, late in zip(told.latency, told.late, strict=True))
