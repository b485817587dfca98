"""Run an application on an address until the process is told to end."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from tocsin.forms.errors import TransportError


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


@dataclass(frozen=True)
class Listening:
    """An open port: connections wait until `serve` takes them."""

    socket: socket.socket

    @property
    def url(self) -> str:
        """Name the address."""
        host, port = self.socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def serve(self, app: ASGIApp) -> None:
        """Serve until the process is told to end."""
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
        _Server(config).run(sockets=[self.socket])


def listen(host: str, port: int) -> Listening:
    """Open a port; 0 takes a free one.

    Errors: TransportError where it is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        raise TransportError(f"port {port} cannot be opened: {error.strerror}", hint="choose another one") from error
    return Listening(opened)
