"""Run an application on an open port until the process is told to end."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

ANSWER_SECONDS = 20
"""What is under way may take so long when the process is told to end; less than a supervisor waits."""


class _Server(uvicorn.Server):
    """End in good order on a signal, and take that as a good end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def serve(app: ASGIApp, port: socket.socket, *, behind_proxy: bool = False) -> None:
    """Serve until the process is told to end.

    behind_proxy: whether a proxy on this machine says in X-Forwarded-For who asks; else anybody could say so.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=behind_proxy,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        timeout_graceful_shutdown=ANSWER_SECONDS,
    )
    _Server(config).run(sockets=[port])
