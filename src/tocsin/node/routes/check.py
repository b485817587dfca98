"""POST /v1/check: messages in, allow, review or block out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tocsin.cases import BEHAVIOUR, Lead
from tocsin.flow import Checked, Checker, Message, Request, Stretch, read_messages
from tocsin.forms import FormatError, TocsinError
from tocsin.forms.limits import ID_BYTES
from tocsin.node.access import Caller, require
from tocsin.node.answering import read_body
from tocsin.node.check_forms import CHECK_ANSWER, CHECK_BODY, body, responses
from tocsin.node.checks import Checks
from tocsin.node.keeping import Keeping, Told
from tocsin.node.leads.watch import LeadWatch
from tocsin.node.refusals import TooLargeError, refusal
from tocsin.screen import Finding
from tocsin.standard import Standard

router = APIRouter(prefix="/v1", tags=["check"])
PATH = "/v1/check"
allowed = require("check")


class Piece(msgspec.Struct, forbid_unknown_fields=True):
    """Say which piece of a streamed answer the message is."""

    id: str
    index: int | float
    final: bool = False


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What a gateway asks."""

    messages: list[dict[str, Any]]
    account: str | None = None
    session: str | None = None
    stream: Piece | None = None


_decode = msgspec.json.Decoder(Body).decode
_encode = msgspec.json.Encoder().encode


@router.post(
    "/check",
    summary="Check messages before or after a model call: allow, review or block.",
    openapi_extra=body(CHECK_BODY),
    responses=responses(CHECK_ANSWER),
)
async def check(request: HttpRequest, caller: Caller = Depends(allowed)) -> Response:  # noqa: B008
    """Check messages."""
    return await answer(request, caller)


class Shortcut:
    """Answer checks before routing begins: it takes a gateway's time and gives it nothing."""

    def __init__(self, rest: ASGIApp, app: FastAPI) -> None:
        self._rest, self._app = rest, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request; all others go on to the application."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST" or scope["query_string"]:
            await self._rest(scope, receive, send)
            return
        scope["app"] = self._app
        request = HttpRequest(scope, receive)
        try:
            response = await answer(request, await allowed(request))
        except TocsinError as error:
            response = refusal(error)
        await response(scope, receive, send)


async def answer(request: HttpRequest, caller: Caller) -> Response:
    """Answer a request whose caller is known to be allowed."""
    checks: Checks = request.app.state.checks
    raw = await read_body(request, checks.config.check.body_bytes)
    if raw is None:
        raise TooLargeError(f"the body is above {checks.config.check.body_bytes} bytes", hint="send fewer turns")
    asked = read_asked(raw)
    messages = read_messages(asked.messages)
    stretch = _stretch(checks, caller, asked, messages)
    if stretch:
        messages = (replace(messages[0], text=stretch.text),)
    watch: LeadWatch = request.app.state.leads
    met = await watch.about([(message.role, message.text) for message in messages], asked.account)
    checked = await checks.ask(Request(messages, tuple(Lead(lead.kind) for lead in met)))
    told = written(checked, messages, (await checks.checker()), stretch)
    told["leads"] = [{"lead": one.id, "form": one.form, "kind": one.kind, "source": one.source} for one in met]
    keeping: Keeping | None = request.app.state.keeping
    if keeping and (stretch is None or asked.stream is None or asked.stream.final):
        told["stored"] = await keeping.keep(Told(asked.account, asked.session, messages))
    return Response(_encode(told), media_type="application/json")


def read_asked(raw: bytes) -> Body:
    """Decode a body. Errors: FormatError, which holds nothing of it."""
    try:
        asked = _decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        hint = 'send {"account", "session", "messages": [{"role", "content"}]}; docs/check-api.md shows one'
        raise FormatError("the body is not what /v1/check takes", hint=hint) from None
    stream = asked.stream.id if asked.stream else None
    names = {"account": asked.account, "session": asked.session, "stream.id": stream}
    for name, value in names.items():
        if value is not None and not 0 < len(value) <= ID_BYTES:
            raise FormatError(f"{name} has {len(value)} characters, not 1 to {ID_BYTES}", hint="shorten it")
    return asked


def _stretch(checks: Checks, caller: Caller, asked: Body, messages: tuple[Message, ...]) -> Stretch | None:
    if asked.stream is None:
        return None
    if asked.stream.index < 0 or asked.stream.index % 1:
        raise FormatError("stream.index is no number of a piece", hint="number pieces 0, 1, 2, …")
    if len(messages) != 1:
        raise FormatError(f"{len(messages)} messages in a piece of a stream, not 1", hint="send the piece alone")
    name = msgspec.json.encode([caller.id, asked.account, asked.session, asked.stream.id]).decode()
    return checks.streams.take(name, int(asked.stream.index), messages[0].text, final=asked.stream.final)


def written(
    checked: Checked, messages: tuple[Message, ...], checker: Checker, stretch: Stretch | None = None
) -> dict[str, Any]:
    """Write an answer; no text of the messages is in it."""
    ruling = checked.ruling
    kinds = dict.fromkeys((*ruling.kinds, *(f.kind for f in sorted(checked.findings, key=lambda f: -f.severity))))
    start = stretch.start if stretch else 0
    told: dict[str, Any] = {
        "verdict": ruling.verdict,
        "score": round(checked.score, 6),
        "kinds": list(kinds),
        "findings": [_finding(f, checker.standard, start) for f in checked.findings],
        "reasons": {"en": ruling.reasons.en, "zh": ruling.reasons.zh},
        "stages": [{"stage": name, "ms": round(1000 * spent, 3)} for name, spent in checked.seconds.items()],
        "judged_together": checked.together,
        "policy": checker.policy.name,
        "clauses": list(ruling.clauses),
        "standard": checker.standard.version,
        "complete": checked.complete,
        "unseen": [{"message": n, "types": list(m.unseen)} for n, m in enumerate(messages) if m.unseen],
    }
    if stretch:
        told["stream"] = {"start": start, "whole": stretch.whole}
    return told


def _finding(found: Finding, standard: Standard, start: int) -> dict[str, Any]:
    return {
        "message": found.row,
        "role": found.role,
        "detector": found.detector,
        "rule": found.rule,
        "kind": found.kind,
        "severity": found.severity,
        "score": round(found.score, 6),
        "start": None if found.start is None else found.start + start,
        "end": None if found.end is None else found.end + start,
        "title": _title(found, standard),
    }


def _title(found: Finding, standard: Standard) -> Mapping[str, str]:
    if found.rule:
        title = standard.by_id[found.rule].form.title
    else:
        title = BEHAVIOUR.get(found.detector) or standard.names[found.kind]
    return {"en": title.en, "zh": title.zh}
