"""The node's application: its routes, one table from errors to HTTP, and bounded bodies."""

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tocsin import __version__
from tocsin.forms import TocsinError
from tocsin.node.access import Access, Caller
from tocsin.node.node import Node
from tocsin.node.refusals import HEADERS, status_of
from tocsin.node.routes import cases, events, health, stats
from tocsin.node.stores import tokens

ROUTERS = (events.router, stats.router, cases.router, health.router)


def build_app(node: Node) -> FastAPI:
    """Make the application of a node."""
    app = FastAPI(title="Tocsin", version=__version__, docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.node = node

    def look_up(digest: bytes) -> Caller | None:
        with node.database.reading() as connection:
            return tokens.find(connection, digest, node.now())

    app.state.access = Access(look_up, node.now)
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(TocsinError, _refused)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TocsinError)
    status = status_of(error)
    body = {"error": {"message": str(error), "hint": error.hint}}
    return Response(msgspec.json.encode(body), status, HEADERS.get(status), "application/json")
