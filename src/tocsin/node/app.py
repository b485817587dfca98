"""The node's application: its routes, one table from errors to HTTP, and bounded bodies."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tocsin import __version__
from tocsin.forms import TocsinError
from tocsin.node.access import Access, Caller
from tocsin.node.checks import Checks
from tocsin.node.keeping import Keeping
from tocsin.node.node import Node
from tocsin.node.refusals import refusal
from tocsin.node.routes import cases, check, events, health, moderations, stats
from tocsin.node.stores import tokens

ROUTERS = (check.router, moderations.router, events.router, stats.router, cases.router, health.router)


def build_app(node: Node) -> FastAPI:
    """Make the application of a node."""
    app = FastAPI(title="Tocsin", version=__version__, docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json")
    app.state.node = node

    def look_up(digest: bytes) -> Caller | None:
        with node.database.reading() as connection:
            return tokens.find(connection, digest, node.now())

    app.state.access = Access(look_up, node.now)
    app.state.checks = Checks(node.home, node.config)
    app.state.keeping = Keeping(node.intake) if node.config.check.store else None
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(TocsinError, _refused)
    app.add_middleware(check.Shortcut)
    return app


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TocsinError)
    return refusal(error)
