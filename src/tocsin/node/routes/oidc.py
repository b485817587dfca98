"""GET /v1/login/oidc: log in with an identity provider."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tocsin.node.node import Node
from tocsin.node.oidc import Provider
from tocsin.node.people import Door
from tocsin.node.refusals import NotFoundError, NoTokenError
from tocsin.node.routes.people import TokenMade
from tocsin.node.stores import people

router = APIRouter(prefix="/v1/login/oidc", tags=["access"])
_COOKIE = "tocsin_login"
_SECONDS = 600
_WORD = r"^[\x21-\x7e]{1,2000}$"
Word = Annotated[str, Query(pattern=_WORD)]


@router.get(
    "", summary="Go to the identity provider.", status_code=302, response_class=RedirectResponse, response_model=None
)
def start(request: Request) -> Response:
    """Send the browser to the provider, with a mark to know it again by."""
    where, state = _provider(request).start()
    node: Node = request.app.state.node
    answer = RedirectResponse(where, 302)
    secure = node.config.oidc.redirect.startswith("https:")
    answer.set_cookie(_COOKIE, state, max_age=_SECONDS, path="/v1/login", httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/back", summary="Come back from the identity provider, and get a token for a while.")
def back(
    request: Request, code: Word, state: Word, tocsin_login: Annotated[str, Cookie(pattern=_WORD)] = ""
) -> TokenMade:
    """Check what the provider says, and let in whom it names, if they are known here."""
    node: Node = request.app.state.node
    subject = _provider(request).finish(code, state, tocsin_login)
    with node.database.reading() as connection:
        person = people.find(connection, subject=subject)
    if person is None:
        raise NoTokenError("nobody here is called so by the identity provider", hint="ask an administrator to add you")
    door: Door = request.app.state.door
    made, token = door.let_in(person, "identity provider")
    return TokenMade(id=made, token=token)


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise NotFoundError("no identity provider is set", hint="set oidc.issuer, or log in by name and password")
    return provider
