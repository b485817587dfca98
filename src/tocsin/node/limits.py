"""What holds for every route: bodies bounded in size and depth, requests a minute, headers that browsers heed."""

import re
import time
from asyncio import Semaphore, timeout
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from ipaddress import ip_address

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.forms import FormatError, TocsinError
from tocsin.node.access import KNOWN, Access, known
from tocsin.node.refusals import HEADERS, BusyError, TooLargeError, TooSlowError, status_of

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NOT_MARKS = bytes(set(range(256)) - set(b"[]{},"))
_OPENING = np.frombuffer(b"[{", np.uint8)
_COMMA = ord(",")
_IN_LIST = 2  # levels down: in a list of the outermost object
_BLOCK = 1 << 20
_LARGE = 1 << 16  # bytes beyond which a body is looked at beside the event loop
_MOST_KNOWN = 10_000
LARGE = frozenset({"/v1/events", "/v1/traces", "/v1/check", "/v1/moderations", "/v1/leads", "/v1/leads/list"})
"""Routes whose bodies may be as large as the settings say; all others take a small one."""
OWN_DEPTH = frozenset({"/v1/traces", "/v1/leads", "/v1/leads/list"})
"""Routes whose readers bound the depth themselves: exporters nest deep, and lists of texts are no JSON."""
SMALL_BYTES = 1 << 18
HEAVY_BYTES, HEAVY_AT_ONCE = 1 << 20, 4
"""Bodies that may take a hundred times their size while they are read; so many are read at once."""
BODY_SECONDS = 60
_MINUTE = 60.0
SECURITY = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
}
"""Set where the route itself says nothing else."""


def depth_of(body: bytes) -> int:
    """How deep JSON is nested; of what is no JSON, at least how deep a reader would go."""
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    return max([0, *(int(levels.max()) for _, levels in _levels(brackets))])


def events_in(body: bytes) -> int:
    """How many elements the lists of an object hold together, however small each is."""
    marks = _STRING.sub(b"", body).translate(None, _NOT_MARKS)
    return 1 + sum(int(np.count_nonzero((block == _COMMA) & (levels == _IN_LIST))) for block, levels in _levels(marks))


def _levels(marks: bytes) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int32]]]:
    """Walk brackets and commas block by block: what they are, and how deep the nesting is behind each."""
    now = 0
    for at in range(0, len(marks), _BLOCK):
        block = np.frombuffer(marks, np.uint8, min(_BLOCK, len(marks) - at), at)
        steps = np.where(block == _COMMA, 0, np.where(np.isin(block, _OPENING), 1, -1))
        levels = now + np.cumsum(steps, dtype=np.int32)
        now = int(levels[-1])
        yield block, levels


def check_depth(body: bytes, most: int) -> None:
    """Refuse JSON that is nested too deep.

    Errors: FormatError.
    """
    if body.count(b"[") + body.count(b"{") > most and depth_of(body) > most:
        raise FormatError(f"the JSON is nested deeper than {most}", hint="send flatter objects")


def turn(size: int, heavy: Semaphore) -> AbstractAsyncContextManager[None]:
    """Let a body be read: a heavy one when its turn has come, any other at once."""
    return heavy if size > HEAVY_BYTES else nullcontext()


@dataclass
class Rate:
    """Count requests of a minute: each asker has a bucket that fills evenly."""

    a_minute: int
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[object, tuple[float, float]] = field(default_factory=dict)

    def take(self, asker: object) -> bool:
        """Count one request; tell whether it is within the limit."""
        now = self.clock()
        left, then = self._buckets.get(asker, (float(self.a_minute), now))
        left = min(self.a_minute, left + (now - then) * self.a_minute / _MINUTE)
        if len(self._buckets) >= _MOST_KNOWN:
            self._buckets.clear()
        self._buckets[asker] = (max(left - 1, 0.0) if left >= 1 else left, now)
        return left >= 1


class Guard:
    """Stand before an application."""

    def __init__(
        self, app: ASGIApp, *, access: Access, body_bytes: int, json_depth: int, rate: Rate, limit_loopback: bool
    ) -> None:
        self._app, self._access, self._most, self._depth = app, access, body_bytes, json_depth
        self._rate, self._loopback = rate, limit_loopback
        self._known: set[bytes] = set()  # tokens that were in force when last seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _Asked(scope)
        sending = self._told(asked, send)
        try:
            self._check_rate(asked)
            body = await self._body(asked, receive)
        except TocsinError as error:
            await _refuse(error, sending)
            return
        await self._app(scope, _again(body, receive) if body is not None else receive, sending)

    def _check_rate(self, asked: "_Asked") -> None:
        if not self._rate.a_minute or (asked.is_loopback and not self._loopback):
            return
        asker = asked.token if asked.token in self._known else asked.address
        if not self._rate.take(asker):
            raise BusyError(f"more than {self._rate.a_minute} requests a minute", hint="send them more slowly")

    async def _body(self, asked: "_Asked", receive: Receive) -> bytes | None:
        """Read a body whole; None where there is none. A large one is read for those alone who are known.

        Errors: NoTokenError, TooLargeError, TooSlowError, FormatError.
        """
        if not asked.has_body:
            return None
        most = min(self._most, SMALL_BYTES)
        if asked.path in LARGE:
            await known(self._access, (asked.token or b"").decode("latin-1"))
            most = self._most
        if asked.length is not None and asked.length > most:
            raise TooLargeError(f"the body has {asked.length} bytes, above {most}", hint="send less at once")
        try:
            async with timeout(BODY_SECONDS):
                body = await _whole(receive, most)
        except TimeoutError as error:
            raise TooSlowError(f"the body did not come within {BODY_SECONDS} seconds", hint="send it again") from error
        if asked.is_json and len(body) > _LARGE:
            await run_in_threadpool(check_depth, body, self._depth)
        elif asked.is_json:
            check_depth(body, self._depth)
        return body

    def _told(self, asked: "_Asked", send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(asked, message["status"])
                there = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in SECURITY.items() if name not in there]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return sending

    def _note(self, asked: "_Asked", status: int) -> None:
        """Keep tokens that were found in force; any other, on a route for anybody, would give a minute of its own."""
        token = asked.token
        if token is None or not self._rate.a_minute:
            return
        if status == 401:
            self._known.discard(token)
        elif asked.scope.get(KNOWN) and len(self._known) < _MOST_KNOWN:
            self._known.add(token)


@dataclass(frozen=True)
class _Asked:
    """What the head of a request says."""

    scope: Scope

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    def _header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.scope["headers"] if key == name), None)

    @property
    def token(self) -> bytes | None:
        return self._header(b"authorization")

    @property
    def address(self) -> str:
        return self.scope["client"][0] if self.scope.get("client") else ""

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.address.partition("%")[0]).is_loopback
        except ValueError:
            return False

    @property
    def length(self) -> int | None:
        raw = self._header(b"content-length")
        return int(raw) if raw and raw.isdigit() and len(raw) < 20 else None

    @property
    def has_body(self) -> bool:
        """Whether one is announced, in whatever way."""
        return self._header(b"content-length") is not None or self._header(b"transfer-encoding") is not None

    @property
    def is_json(self) -> bool:
        """Whatever it is said to be, its reader takes it for JSON."""
        return self.path not in OWN_DEPTH


async def _whole(receive: Receive, most: int) -> bytes:
    found = bytearray()
    while True:
        message = await receive()
        found += message.get("body", b"")
        if len(found) > most:
            raise TooLargeError(f"the body is above {most} bytes", hint="send less at once")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(found)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then whatever comes."""
    given = False

    async def receiving() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving


async def _refuse(error: TocsinError, send: Send) -> None:
    status = status_of(error)
    body = msgspec.json.encode({"error": {"message": str(error), "hint": error.hint}})
    headers = {"content-type": "application/json", "content-length": str(len(body)), **HEADERS.get(status, {})}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
