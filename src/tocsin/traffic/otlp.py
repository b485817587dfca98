"""Decode OTLP traces, JSON or Protobuf, into plain spans (opentelemetry-proto, collector/trace/v1)."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tocsin.forms import FormatError

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Attributes = dict[str, Any]
MOST_SPANS = 20_000  # of one export; exporters send 512 at a time, collectors 8,192
_FAILED = 2  # STATUS_CODE_ERROR
# What a resource says holds for each of its spans, so that it is what a small body could be made to weigh most by.
_SHARED = ("gen_ai.", "tocsin.", "enduser.", "user.", "session.", "error.type")
_MOST_SHARED, _SHARED_CHARS = 64, 1024


@dataclass(frozen=True, slots=True)
class Span:
    """Hold what is read of one span.

    trace, name: as sent, the trace in hex; start: nanoseconds since 1970; attributes: those of the span before those of
    its resource, of which only short ones that tell who asked and whom count; events: (name, attributes) in order of
    time.
    """

    trace: str
    name: str
    start: int
    attributes: Attributes
    events: tuple[tuple[str, Attributes], ...] = ()
    failed: bool = False


_Nanoseconds = Annotated[
    int, msgspec.Meta(ge=0, le=(1 << 63) - 1)
]  # JSON has them as texts: 64 bits are too many for it


class _List(msgspec.Struct):
    values: list["_AnyValue"] = msgspec.field(default_factory=list)


class _Pairs(msgspec.Struct):
    values: list["_KeyValue"] = msgspec.field(default_factory=list)


class _AnyValue(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    double_value: float | None = None
    array_value: _List | None = None
    kvlist_value: _Pairs | None = None


class _KeyValue(msgspec.Struct):
    key: str
    value: _AnyValue | None = None


class _Resource(msgspec.Struct):
    attributes: list[_KeyValue] = msgspec.field(default_factory=list)


class _Event(msgspec.Struct, rename="camel"):
    name: str = ""
    time_unix_nano: _Nanoseconds = 0
    attributes: list[_KeyValue] = msgspec.field(default_factory=list)


class _Status(msgspec.Struct):
    code: int | str = 0


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    name: str = ""
    start_time_unix_nano: _Nanoseconds = 0
    attributes: list[_KeyValue] = msgspec.field(default_factory=list)
    events: list[_Event] = msgspec.field(default_factory=list)
    status: _Status | None = None


class _Scope(msgspec.Struct):
    spans: list[_Span] = msgspec.field(default_factory=list)


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_Scope] = msgspec.field(default_factory=list)


class _Export(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = msgspec.field(default_factory=list)


_decode = msgspec.json.Decoder(_Export, strict=False).decode


def decode_json(body: bytes) -> list[Span]:
    """Return the spans of an ExportTraceServiceRequest in OTLP's JSON form; raises FormatError."""
    try:
        export = _decode(body)
        _check_count(_groups(export.resource_spans))
        return list(_json_spans(export))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, OverflowError):
        raise FormatError("not a trace export in OTLP JSON", hint="send ExportTraceServiceRequest") from None


def decode_protobuf(body: bytes) -> list[Span]:
    """Return the spans of an ExportTraceServiceRequest in Protobuf; raises FormatError."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        export = ExportTraceServiceRequest.FromString(body)
    except (DecodeError, RecursionError):
        raise FormatError("not a trace export in OTLP Protobuf", hint="send ExportTraceServiceRequest") from None
    _check_count(_groups(export.resource_spans))
    return list(_protobuf_spans(export))


def _groups(resources: Iterable[Any]) -> Iterator[Sized]:
    """Yield the spans of each scope, and nothing for a resource without any."""
    for resource in resources:
        yield ()
        yield from (scope.spans for scope in resource.scope_spans)


def _check_count(groups: Iterable[Sized]) -> None:
    """Refuse what is tiny on the way and huge in memory: a span, or a group of them, takes two bytes. Raises
    FormatError."""
    count = 0
    for spans in groups:
        count += max(1, len(spans))
        if count > MOST_SPANS:
            raise FormatError(f"a trace export of more than {MOST_SPANS} spans", hint="send smaller batches")


def _shared(attributes: Attributes) -> Attributes:
    """Return what a resource says for all its spans: messages are never there, whatever is long is not meant."""
    short = {
        key: value
        for key, value in attributes.items()
        if key.startswith(_SHARED) and (isinstance(value, (int, float)) or _is_short(value))
    }
    return dict(islice(short.items(), _MOST_SHARED))


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _SHARED_CHARS


def _json_spans(export: _Export) -> Iterator[Span]:
    for group in export.resource_spans:
        shared = _shared(_json_attributes(group.resource.attributes)) if group.resource else {}
        for span in (span for scope in group.scope_spans for span in scope.spans):
            events = sorted(span.events, key=lambda event: event.time_unix_nano)
            yield Span(
                trace=span.trace_id.lower(),
                name=span.name,
                start=span.start_time_unix_nano,
                attributes=shared | _json_attributes(span.attributes),
                events=tuple((event.name, _json_attributes(event.attributes)) for event in events),
                failed=span.status is not None and span.status.code in (_FAILED, "2", "STATUS_CODE_ERROR"),
            )


def _json_attributes(pairs: Iterable[_KeyValue]) -> Attributes:
    return {pair.key: _json_value(pair.value) for pair in pairs}


def _json_value(value: _AnyValue | None) -> Any:
    """Return what the value stands for; bytes stand for nothing."""
    if value is None:
        return None
    if value.array_value:
        return [_json_value(item) for item in value.array_value.values]
    if value.kvlist_value:
        return _json_attributes(value.kvlist_value.values)
    plain = (value.string_value, value.bool_value, value.int_value, value.double_value)
    return next((one for one in plain if one is not None), None)


def _protobuf_spans(export: Any) -> Iterator[Span]:
    for group in export.resource_spans:
        shared = _shared(_attributes(group.resource.attributes))
        for span in (span for scope in group.scope_spans for span in scope.spans):
            events = sorted(span.events, key=lambda event: event.time_unix_nano)
            yield Span(
                trace=span.trace_id.hex(),
                name=span.name,
                start=span.start_time_unix_nano,
                attributes=shared | _attributes(span.attributes),
                events=tuple((event.name, _attributes(event.attributes)) for event in events),
                failed=span.status.code == _FAILED,
            )


def _attributes(pairs: "Iterable[KeyValue]") -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: "AnyValue") -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind and kind != "bytes_value" else None
