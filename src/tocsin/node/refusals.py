"""Refusals that only a server knows, and the one table from errors to HTTP."""

import msgspec
from starlette.responses import Response

from tocsin.cases import RefusedError
from tocsin.flow import LostPieceError
from tocsin.forms import ConfigError, FormatError, PolicyError, TocsinError, TransportError, VerificationError


class NoTokenError(PolicyError):
    """Raise when a request names nobody that is known."""

    remedy = "send a token that is in force: Authorization: Bearer TOKEN"


class NotFoundError(FormatError):
    """Raise when what a request names is not there."""

    remedy = "check the name"


class UnknownQueryError(ConfigError):
    """Raise when a request gives what its route does not ask for."""

    remedy = "/v1/openapi.json lists the routes and what they ask for"


class TooLargeError(FormatError):
    """Raise when a body is larger than the settings allow."""

    remedy = "send less at once"


class TooSlowError(TransportError):
    """Raise when a body does not come in time."""

    remedy = "send it again"


class ConflictError(PolicyError):
    """Raise when something that is there stands in the way."""

    remedy = "choose another name"


class BusyError(TransportError):
    """Raise when the node takes no more in until it has caught up."""

    remedy = "send it again a little later"


# The nearest class of an error's own line of descent counts.
STATUS: dict[type[TocsinError], int] = {
    NoTokenError: 401,
    RefusedError: 409,
    ConflictError: 409,
    PolicyError: 403,
    NotFoundError: 404,
    TooLargeError: 413,
    LostPieceError: 409,
    FormatError: 400,
    ConfigError: 422,
    VerificationError: 409,
    BusyError: 429,
    TooSlowError: 408,
    TransportError: 503,
    TocsinError: 500,
}
HEADERS = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}, 503: {"retry-after": "1"}}


def status_of(error: TocsinError) -> int:
    """Find the status of an error."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def refusal(error: TocsinError) -> Response:
    """Put an error into HTTP."""
    return refuse(status_of(error), str(error), error.hint)


def refuse(status: int, message: str, hint: str) -> Response:
    """Write a refusal in the one form that all have."""
    body = msgspec.json.encode({"error": {"message": message, "hint": hint}})
    return Response(body, status, HEADERS.get(status), "application/json")
