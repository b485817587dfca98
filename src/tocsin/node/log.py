"""Serve a log's public files (c2sp.org/tlog-tiles)."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.ledger import Objects
from tocsin.node.answering import application, serve_file


def log_app(store: Objects) -> Starlette:
    """Make the read-only application of a log."""

    async def file(request: Request) -> Response:
        return await serve_file(store, "public", request.path_params["name"])

    return application([Route("/{name:path}", file)])
