"""Servers of this process for clients that need an address: a fake model, and the gateway of the docs before it."""

import importlib.util
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tocsin.node import listen

GATEWAY = Path(__file__).parents[2] / "docs" / "examples" / "gateway.py"
SAY = "say: "


def gateway_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gateway", GATEWAY)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeModel:
    """Answer every call with what follows `say:` in its last message, else with a fixed sentence; count the calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])

    async def _chat(self, request: Request) -> Response:
        self.calls += 1
        call = await request.json()
        asked = call["messages"][-1]["content"]
        said = asked.partition(SAY)[2] or "The harvest was good this year."
        base = {"id": "chatcmpl-1", "created": 1, "model": call["model"]}
        if call.get("stream"):
            return StreamingResponse(_stream(base, said), media_type="text/event-stream")
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return JSONResponse({**base, "object": "chat.completion", "choices": [choice], "usage": usage})


def _stream(base: dict[str, object], said: str) -> Iterator[str]:
    for at in range(0, len(said), 11):
        delta = {"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": said[at : at + 11]}}
        yield f"data: {json.dumps({**base, 'object': 'chat.completion.chunk', 'choices': [delta]})}\n\n"
    yield "data: [DONE]\n\n"


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application in a thread; gives its address."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening.socket]})
    thread.start()
    try:
        yield listening.url
    finally:
        server.should_exit = True
        thread.join()
