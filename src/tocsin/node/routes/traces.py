"""POST /v1/traces: GenAI spans over OTLP/HTTP, in Protobuf or JSON (OTLP 1.x, section OTLP/HTTP)."""

import zlib
from collections import Counter
from typing import Literal

import msgspec
from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.forms import FormatError, TocsinError
from tocsin.node.access import Caller, require
from tocsin.node.answering import read_body
from tocsin.node.jobs.following import note_refused
from tocsin.node.limits import turn
from tocsin.node.node import Node
from tocsin.node.refusals import HEADERS, TooLargeError, status_of
from tocsin.traffic import NO_CONTENT, decode_json, decode_protobuf, tell

router = APIRouter(prefix="/v1", tags=["events"])
Form = Literal["application/x-protobuf", "application/json"]
PROTOBUF: Form = "application/x-protobuf"
JSON: Form = "application/json"
_GZIP = 31  # zlib's window bits for gzip alone
_WITHOUT = "{} model calls came without content: switch content capture on, or nothing of them can be screened"
_NAMELESS = "{} messages name no account: set enduser.id on spans or their resource"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_REFUSED = {
    PROTOBUF: _BINARY,
    JSON: {"schema": {"type": "object", "properties": {"message": {"type": "string"}, "error": {"type": "object"}}}},
}
_REFUSALS = {
    400: "Not a trace export; not worth sending again.",
    413: "Too large, packed or unpacked.",
    415: "Neither Protobuf nor JSON, or packed otherwise than with gzip.",
    429: "Too much waits to be screened: send it again later.",
    503: "The database cannot be used now: send it again later.",
}


@router.post(
    "/traces",
    summary="Take in GenAI spans as an OpenTelemetry exporter sends them; 200 means that they are durable.",
    openapi_extra={
        "requestBody": {"required": True, "content": {PROTOBUF: _BINARY, JSON: {"schema": {"type": "object"}}}}
    },
    responses={
        200: {
            "description": "ExportTraceServiceResponse; partialSuccess tells what could not be read.",
            "content": {PROTOBUF: _BINARY, JSON: {"schema": {"type": "object"}}},
        },
        **{status: {"description": what, "content": _REFUSED} for status, what in _REFUSALS.items()},
    },
)
async def add_traces(request: Request, caller: Caller = Depends(require("ingest"))) -> Response:  # noqa: B008
    """Read, check and store spans; answers are in the form of the request."""
    node: Node = request.app.state.node
    form = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if form not in (PROTOBUF, JSON) or packing not in ("identity", "gzip", ""):
        return _status(415, "send application/x-protobuf or application/json, plain or with gzip", JSON)
    kind = PROTOBUF if form == PROTOBUF else JSON
    try:
        body = await _body(request, packing == "gzip", node.config.server.body_bytes)
        async with turn(len(body), request.app.state.heavy):
            refused, warning = await run_in_threadpool(_accept, node, body, kind, f"otlp {caller.name}")
    except TocsinError as error:
        return _status(status_of(error), f"{error}: {error.hint}", kind)
    return Response(_answer(refused, warning, kind), media_type=kind)


async def _body(request: Request, packed: bool, most: int) -> bytes:
    body = await read_body(request, most)
    if body is not None and packed:
        body = await run_in_threadpool(unpacked, body, most)
    if body is None:
        raise TooLargeError(f"the body is above {most} bytes", hint="send smaller batches")
    return body


def unpacked(body: bytes, most: int) -> bytes | None:
    """Unpack gzip to at most `most` bytes; None for more.

    Errors: FormatError where it is damaged or cut off.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise FormatError("the body is not gzip", hint="send it plain, or with a sound gzip") from None
    if len(plain) > most:
        return None
    if not unpacker.eof:
        raise FormatError("the gzip body is cut off", hint="send it again")
    return plain


def _accept(node: Node, body: bytes, form: Form, source: str) -> tuple[int, str]:
    """Store what spans tell; return how many could not be read, and a warning."""
    told = tell(decode_protobuf(body) if form == PROTOBUF else decode_json(body))
    node.backlog.admit(len(told.rows))
    piece = told.piece
    node.intake.accept_batch(piece.traffic, source)
    reasons = Counter([reason for _, reason in (*told.refused, *piece.rejects)])
    note_refused(node, list(reasons.elements()))
    without, nameless = reasons.pop(NO_CONTENT, 0), piece.traffic["account"].null_count
    said = [f"{count} refused: {reason}" for reason, count in sorted(reasons.items())]
    said += [text.format(count) for text, count in ((_WITHOUT, without), (_NAMELESS, nameless)) if count]
    return reasons.total(), "; ".join(said)


def _answer(refused: int, warning: str, form: Form) -> bytes:
    if form == JSON:
        partial = {"rejectedSpans": str(refused), "errorMessage": warning}
        return msgspec.json.encode({"partialSuccess": partial} if warning else {})
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    answer = ExportTraceServiceResponse()
    if warning:
        answer.partial_success.rejected_spans = refused
        answer.partial_success.error_message = warning
    encoded: bytes = answer.SerializeToString()
    return encoded


def _status(status: int, message: str, form: Form) -> Response:
    """Say what is wrong as google.rpc.Status, which OTLP asks for."""
    if form == JSON:
        body = msgspec.json.encode({"message": message})
    else:
        raw = message.encode()[:120]  # below 128: its length is one byte
        body = bytes([0x12, len(raw)]) + raw
    return Response(body, status, HEADERS.get(status), form)
