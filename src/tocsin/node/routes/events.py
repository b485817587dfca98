"""POST /v1/events: batches of events, each once however often it is sent."""

import msgspec
from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.forms import FormatError
from tocsin.node.access import Caller, require
from tocsin.node.answering import read_body
from tocsin.node.intake import Receipt
from tocsin.node.limits import events_in, turn
from tocsin.node.node import Node
from tocsin.node.refusals import TooLargeError

router = APIRouter(prefix="/v1", tags=["events"])


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_decode = msgspec.json.Decoder(_Batch).decode
_LINE = {
    "description": "A native line object: id, time, account, role, text and more; docs/formats.md names every field. "
    "A line that is none is named in `rejected`, and the others are taken in."
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["events"],
                "additionalProperties": False,
                "properties": {"events": {"type": "array", "items": _LINE}},
            }
        }
    },
}
_ANSWER = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 0},
        "duplicates": {"type": "integer", "minimum": 0},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "reason"],
                "properties": {"index": {"type": "integer", "minimum": 0}, "reason": {"type": "string"}},
            },
        },
    },
}


@router.post(
    "/events",
    summary="Take in events; an answer of 200 means that they are durable.",
    openapi_extra={"requestBody": _BODY},
    responses={200: {"content": {"application/json": {"schema": _ANSWER}}, "description": "What became of them."}},
)
async def add_events(request: Request, caller: Caller = Depends(require("ingest"))) -> Response:  # noqa: B008
    """Read, check and store a batch of events."""
    node: Node = request.app.state.node
    body = await read_body(request, node.config.server.body_bytes)
    if body is None:
        raise TooLargeError(f"the body is above {node.config.server.body_bytes} bytes", hint="send smaller batches")
    async with turn(len(body), request.app.state.heavy):
        receipt = await run_in_threadpool(_accept, node, body, f"api {caller.name}")
    answer = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [{"index": index, "reason": reason} for index, reason in receipt.rejected],
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _accept(node: Node, body: bytes, source: str) -> Receipt:
    lines = _lines(body, node.config.server.events_a_request)
    node.backlog.admit(len(lines))
    return node.intake.accept_raw(lines, source)


def _lines(body: bytes, most: int) -> list[bytes]:
    if body.count(b",") >= most and (count := events_in(body)) > most:  # before each of them takes memory
        raise TooLargeError(f"{count} events in one request, limit {most}", hint="send smaller batches")
    try:
        return [bytes(raw) for raw in _decode(body).events]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise FormatError('the body is not {"events": [...]}', hint="docs/node.md shows one") from None
