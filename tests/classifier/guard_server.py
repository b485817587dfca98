"""A local endpoint that speaks the chat-completions form and can be told to fail."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Script:
    """Say how the endpoint answers: statuses for the next requests, then always 200."""

    statuses: list[int] = field(default_factory=list)
    reply: str | None = None  # instead of the verdict
    hang: Event | None = None  # wait for it before answering
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def endpoint(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append(body)
            script.keys.append(self.headers.get("Authorization"))
            if script.hang:
                script.hang.wait(5)
            status = script.statuses.pop(0) if script.statuses else 200
            text = body["messages"][1]["content"]
            verdict = script.reply or ("unsafe" if "ransomware" in text else "Safe.")
            reply = {
                "choices": [{"message": {"content": verdict}}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 1},
            }
            raw = json.dumps(reply).encode() if status == 200 else b"{}"
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
