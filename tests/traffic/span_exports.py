"""GenAI spans as instrumentations send them, made with the real SDK and its encoder."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tocsin.traffic import Span

START = 1_740_830_400 * 10**9
Message = dict[str, Any]
Event = tuple[str, dict[str, Any]]


def said(role: str, *parts: Any, **more: Any) -> Message:
    texts = [{"type": "text", "content": part} if isinstance(part, str) else part for part in parts]
    return {"role": role, "parts": texts} | more


def user(*parts: Any) -> Message:
    return said("user", *parts)


def bot(*parts: Any, **more: Any) -> Message:
    return said("assistant", *parts, **more)


def call(asked: Sequence[Message] = (), answered: Sequence[Message] = (), **more: Any) -> dict[str, Any]:
    """The attributes of a chat span; keys are given with _ for the dots that follow gen_ai."""
    base: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m1", "enduser.id": "a1"}
    if asked:
        base["gen_ai.input.messages"] = json.dumps(asked)
    if answered:
        base["gen_ai.output.messages"] = json.dumps(answered)
    return {key: value for key, value in (base | more).items() if value is not None}


def export(
    *spans: Mapping[str, Any],
    events: Sequence[Event] = (),
    failed: bool = False,
    resource: Mapping[str, Any] | None = None,
) -> ExportTraceServiceRequest:
    """One export of spans with these attributes; the events go to every span."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource(dict(resource or {"service.name": "desk"})))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    for at, attributes in enumerate(spans):
        span = tracer.start_span("chat m1", start_time=START + at * 10**9, attributes=dict(attributes))
        for number, (name, more) in enumerate(events):
            span.add_event(name, more, timestamp=START + number)
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(START + at * 10**9 + 1)
    return encode_spans(memory.get_finished_spans())


def as_json(request: ExportTraceServiceRequest) -> bytes:
    """OTLP's own JSON: as Protobuf's, but identifiers in hex."""
    whole = MessageToDict(request, use_integers_for_enums=True)
    pairs = zip(_spans(whole), (s for g in request.resource_spans for c in g.scope_spans for s in c.spans), strict=True)
    for shown, span in pairs:
        shown |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
    return json.dumps(whole).encode()


def _spans(whole: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        span for group in whole.get("resourceSpans", ()) for scope in group["scopeSpans"] for span in scope["spans"]
    ]


def grown(turns: Sequence[Message], **more: Any) -> list[dict[str, Any]]:
    """The calls of a conversation: each sends all turns before its answer."""
    starts = [at for at, turn in enumerate(turns) if turn["role"] == "assistant"]
    return [call(turns[:at], [turns[at]], **more) for at in starts]


def plain(attributes: Mapping[str, Any], trace: str = "0" * 32, start: int = START) -> Span:
    return Span(trace, "chat", start, dict(attributes))
