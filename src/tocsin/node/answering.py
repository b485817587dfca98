"""What the servers of logs, witnesses and mirrors share: bounded bodies, answers, public files."""

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.forms.errors import TocsinError, TransportError
from tocsin.ledger import BINARY, CHECKPOINT, TEXT, Answer, Objects, is_tile_name, refuse

FRESH = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"
Ready = Callable[[], bool]
"""Tells whether all peers have been asked, so that cosigning may begin."""


def respond(answer: Answer) -> Response:
    """Put an answer into HTTP."""
    return Response(answer.body, answer.status, {"content-type": answer.content_type, "cache-control": FRESH})


async def read_body(request: Request, most: int) -> bytes | None:
    """Read a body of at most `most` bytes; None for a longer one, of which no more is kept."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            return None
    return bytes(found)


def application(routes: Sequence[Route]) -> Starlette:
    """Make an application that compresses what it serves, and answers for what fails without telling more."""
    return Starlette(
        routes=routes,
        middleware=[Middleware(GZipMiddleware)],
        exception_handlers={TransportError: _unusable, TocsinError: _broken},
    )


async def _unusable(_request: Request, _error: Exception) -> Response:
    return respond(refuse(503, "the store cannot be used now"))


async def _broken(_request: Request, _error: Exception) -> Response:
    return respond(refuse(500, "the store holds what it should not"))


async def serve_file(store: Objects, folder: str, name: str) -> Response:
    """Serve the checkpoint or a tile below a public folder; any other name is not there."""
    if name != CHECKPOINT and not is_tile_name(name):
        return respond(refuse(404, "no such file"))
    raw = await run_in_threadpool(store.get, f"{folder}/{name}")
    if raw is None:
        return respond(refuse(404, "no such file"))
    if name == CHECKPOINT:
        return respond(Answer(200, raw, TEXT))
    return Response(raw, 200, {"content-type": BINARY, "cache-control": FOR_EVER})
