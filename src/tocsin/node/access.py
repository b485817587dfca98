"""Who may do what: bearer tokens with scopes."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tocsin.forms import PolicyError
from tocsin.node.keys import Random
from tocsin.node.refusals import NoTokenError

SCOPES = ("check", "ingest", "read", "content", "decide", "admin", "metrics")
_PREFIX = "tocsin_"
_TOKEN_BYTES = 32
_REMEMBERED_US = 2_000_000  # a token that is revoked works this long still
_MOST_REMEMBERED = 10_000
KNOWN = "tocsin.known"
"""Set in the scope of a request whose token was found to be in force."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Say who asks: a token's id and name, what it may do, and the person whose token it is; None for a program's."""

    id: str
    name: str
    scopes: frozenset[str]
    person: str | None = None

    @property
    def actor(self) -> str:
        """Who answers for it: the person, however many tokens they have, else the token."""
        return self.person or self.id


def new_token(random: Random) -> str:
    """Make a token."""
    return _PREFIX + urlsafe_b64encode(random(_TOKEN_BYTES)).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """Hash a token; the database holds nothing else of it."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


class Access:
    """Look tokens up, and remember what was found for a moment."""

    def __init__(self, look_up: Callable[[bytes], Caller | None], now: Callable[[], int]) -> None:
        self._look_up, self._now = look_up, now
        self._known: dict[bytes, tuple[int, Caller]] = {}

    async def caller(self, token: str) -> Caller | None:
        """Find who holds a token."""
        digest = digest_of(token)
        known = self._known.get(digest)
        if known and 0 <= self._now() - known[0] < _REMEMBERED_US:
            return known[1]
        found = await run_in_threadpool(self._look_up, digest)
        self._known.pop(digest, None)
        if found:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = (self._now(), found)
        return found

    def forget(self) -> None:
        """Look everybody up anew: something was revoked."""
        self._known.clear()


async def known(access: Access, authorization: str) -> Caller:
    """Find who asks, by the header. Errors: NoTokenError."""
    kind, _, token = authorization.partition(" ")
    caller = await access.caller(token.strip()) if kind.lower() == "bearer" and token else None
    if caller is None:
        raise NoTokenError("no token, or one that is not in force")
    return caller


class Needs(SecurityBase):
    """The dependency of a route that needs a token, and a scope where one is named."""

    model = HTTPBearerModel(description="A token of the node")
    scheme_name = "token"

    def __init__(self, scope: str | None) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> Caller:
        """Find who asks. Errors: NoTokenError becomes 401, PolicyError 403."""
        caller = await known(request.app.state.access, request.headers.get("authorization", ""))
        request.scope[KNOWN] = True
        if self.scope is not None:
            check_scope(caller, self.scope)
        return caller


def check_scope(caller: Caller, scope: str) -> None:
    """Refuse a caller who lacks a scope. Errors: PolicyError."""
    if scope not in caller.scopes:
        raise PolicyError(f"the token lacks the scope {scope!r}", hint="ask an administrator for one that has it")


def require(scope: str | None = None) -> Needs:
    """Make the dependency of a route that needs a scope; without one, any token in force will do."""
    assert scope is None or scope in SCOPES
    return Needs(scope)
