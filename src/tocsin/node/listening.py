"""An open port, which outlives whoever serves on it."""

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tocsin.forms.errors import TransportError

if TYPE_CHECKING:
    from starlette.types import ASGIApp


@dataclass(frozen=True)
class Listening:
    """An open port: connections wait until `serve` takes them."""

    socket: socket.socket

    @property
    def url(self) -> str:
        """Name the address."""
        host, port = self.socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def serve(self, app: "ASGIApp", *, behind_proxy: bool = False) -> None:
        """Serve until the process is told to end; behind a proxy on this machine, who asks is whom it names."""
        from tocsin.node.serving import serve  # a supervisor opens a port and does without

        serve(app, self.socket, behind_proxy=behind_proxy)


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
