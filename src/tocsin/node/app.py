"""The node's application: its routes, one table from errors to HTTP, and what holds for all of them."""

from asyncio import Semaphore
from importlib.util import find_spec
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin import __version__
from tocsin.forms import ConfigError, TocsinError
from tocsin.node.access import Access, Caller
from tocsin.node.checks import Checks
from tocsin.node.keeping import Keeping
from tocsin.node.keys import secret_lines
from tocsin.node.leads.watch import LeadWatch
from tocsin.node.limits import HEAVY_AT_ONCE, Guard, Rate
from tocsin.node.log_lines import LogLines
from tocsin.node.node import Node
from tocsin.node.oidc import Provider
from tocsin.node.outbound import HttpTransport
from tocsin.node.people import Door
from tocsin.node.refusals import ConflictError, UnknownQueryError, refusal, refuse
from tocsin.node.routes import (
    acts,
    cases,
    check,
    events,
    health,
    leads,
    moderations,
    oidc,
    people,
    stats,
    traces,
    trail,
)
from tocsin.node.shield import Shield
from tocsin.node.stores import tokens

ROUTERS = (
    check.router,
    moderations.router,
    events.router,
    traces.router,
    stats.router,
    cases.router,
    leads.router,
    acts.router,
    people.router,
    oidc.router,
    trail.router,
    health.router,
)


class Why(BaseModel):
    """What is wrong, and what to do about it."""

    message: str
    hint: str


class Refusal(BaseModel):
    """Why a request was refused."""

    error: Why


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": what}
    for status, what in (
        (400, "not what its form says"),
        (401, "no token, or one that is not in force"),
        (403, "the token may not do this"),
        (404, "not there"),
        (409, "it does not fit how things stand now"),
        (413, "too large"),
        (422, "a value is not allowed"),
        (429, "too much at once"),
        (503, "the database cannot be used now"),
    )
}


class Api(FastAPI):
    """An application with a front: what every request passes before the framework sees it, and most never need more."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request."""
        await self.front(scope, receive, send)


def build_app(node: Node) -> FastAPI:
    """Make the application of a node."""
    app = Api(
        title="Tocsin",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,  # they would go where the Host header says
        dependencies=[Depends(_known_query)],
    )
    app.state.node = node
    app.state.door = Door(node)
    app.state.heavy = Semaphore(HEAVY_AT_ONCE)
    app.state.provider = _provider(node)

    def look_up(digest: bytes) -> Caller | None:
        with node.database.reading() as connection:
            return tokens.find(connection, digest, node.now())

    app.state.access = Access(look_up, node.now)
    app.state.checks = Checks(node.home, node.config)
    app.state.leads = LeadWatch(node.leads, node.keys.identity, node.now)
    app.state.keeping = Keeping(node.intake) if node.config.check.store else None
    for router in ROUTERS:
        app.include_router(router, responses=REFUSALS)
    app.add_exception_handler(TocsinError, _refused)
    app.add_exception_handler(IntegrityError, _too_late)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.front = _front(app, node)
    return app


def _front(app: Api, node: Node) -> ASGIApp:
    """Put the shield first, then the guard, then the shortcut of checks; the framework comes last."""
    access = node.config.access
    shortcut = check.Shortcut(super(Api, app).__call__, app)
    rate = Rate(access.requests_a_minute)
    bounds = {"body_bytes": node.config.server.body_bytes, "json_depth": access.json_depth}
    guard = Guard(shortcut, access=app.state.access, **bounds, rate=rate, limit_loopback=access.limit_loopback)
    return Shield(guard, LogLines("serve", node.clock))


def _provider(node: Node) -> Provider | None:
    """Open the identity provider that the settings name."""
    settings = node.config.oidc
    if not settings.issuer:
        return None
    if find_spec("jwt") is None:
        raise ConfigError("log-in with an identity provider needs PyJWT", hint="pip install 'tocsin[oidc]'")
    secret = secret_lines(node.home.folder, settings.secret, "oidc.secret") if settings.secret else ("",)
    return Provider(settings, secret[0], HttpTransport(), node.random)


async def _known_query(request: Request) -> None:
    """Refuse what a route does not ask for: a name that was misspelt would be passed over in silence."""
    if not request.url.query:
        return
    asked = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()].get("parameters", ())
    known = {one["name"] for one in asked if one["in"] == "query"}
    if request.query_params.keys() - known:
        raise UnknownQueryError(f"this route asks for {', '.join(sorted(known)) or 'nothing'} after the question mark")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TocsinError)
    return refusal(error)


async def _too_late(_request: Request, _error: Exception) -> Response:
    return refusal(ConflictError("somebody else was faster", hint="read it again"))


async def _invalid(_request: Request, error: Exception) -> Response:
    """Name the field that is wrong, and never its value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return refuse(422, f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}", "/v1/openapi.json has the form")


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = refuse(error.status_code, error.detail.lower(), "/v1/openapi.json lists the routes")
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """Name all that may be asked of a path: the framework names only what its first route takes."""
    paths = request.app.openapi()["paths"]
    fitting = [ways for path, ways in paths.items() if compile_path(path)[0].match(request.url.path)]
    return sorted({method.upper() for ways in fitting for method in ways})
