"""A receiver on this machine that takes, refuses, dawdles or hangs up, as a test wants it."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Say:
    """How to answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    hang_up: bool = False
    dawdle: bool = False


@dataclass
class Receiver:
    """Take requests on a free port; `answer` says how, by the request and how many came before."""

    answer: Callable[[Got, int], Say] = lambda _got, _count: Say()
    got: list[Got] = field(default_factory=list)
    released: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._take(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/in"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(request.path, headers, body)
        said = self.answer(got, len(self.got))
        self.got.append(got)
        if said.hang_up:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True
            return
        request.send_response(said.status)
        for name, value in said.headers:
            request.send_header(name, value)
        request.send_header("content-length", str(len(said.body)))
        request.end_headers()
        if said.dawdle:
            self.released.wait(20)
        request.wfile.write(said.body)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
