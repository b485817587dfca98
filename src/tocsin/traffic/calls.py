"""Understand one line of a chat-completion log: a request, a response, or both."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from tocsin.forms import STATUSES
from tocsin.traffic.times import from_epoch, parse_time

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
ROLES_OF = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_ID = ("custom_id", "id", "request_id")
_ACCOUNT = ("account", "user", "user_id", "safety_identifier")
_SESSION = ("session", "session_id", "conversation_id", "thread_id")
_TIME = ("time", "timestamp", "created_at", "created")
_PLAIN_COLUMNS = ("org", "key_id", "end_user", "client", "device", "payment", "lang")
_TYPE_CHARS = 40
_TEXTS = ("text", "refusal")  # of a part
_MARKERS = ("image", "audio", "video", "file")
_Json = dict[str, Any]


class UnusableLineError(Exception):
    """Raise for a line that is no call; the message is the reason of its reject."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold one message of a conversation."""

    role: str
    text: str
    tool: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Hold what one line says: who asked, when, what was sent and what came back.

    asked: the messages of the request, history included; answered: those of the response; columns: what holds for every
    turn, by name of TRAFFIC; tokens: (in, out).
    """

    id: str | None
    account: str | None
    session: str | None
    time: datetime
    asked: tuple[Turn, ...] = ()
    answered: tuple[Turn, ...] = ()
    columns: _Json = field(default_factory=dict)
    tokens: tuple[int | None, int | None] = (None, None)


def parse_call(line: Any) -> Call:
    """Return the call that a decoded line describes; raises UnusableLineError with the reason if it describes none."""
    if not isinstance(line, dict):
        raise UnusableLineError("not a JSON object")
    request, response = _request(line), _response(line)
    error = next((place["error"] for place in _places(line, "response", "output") if place.get("error")), None)
    if request is None and response is None and error is None:
        raise UnusableLineError("neither a request nor a response")
    request, response = request or {}, response or {}
    named = [line, request, _dict(line.get("metadata")), _dict(request.get("metadata"))]
    answered = tuple(_answers(response)) or ((Turn("assistant", "", status="error"),) if error else ())
    return Call(
        id=_first_text([line, response], _ID),
        account=_first_text(named, _ACCOUNT),
        session=_first_text(named, _SESSION),
        time=_time([line, response, request]),
        asked=tuple(read_turn(message) for message in request.get("messages", ())),
        answered=answered,
        columns=_columns(line, request, response),
        tokens=_tokens(line, response),
    )


def _dict(value: Any) -> _Json:
    return value if isinstance(value, dict) else {}


def _places(line: _Json, *keys: str) -> Iterator[_Json]:
    """Yield the line itself, what it holds under the keys, and the bodies inside that."""
    yield line
    for key in keys:
        inner = _dict(line.get(key))
        yield inner
        yield _dict(inner.get("body"))


def _request(line: _Json) -> _Json | None:
    for place in _places(line, "request", "body", "input"):
        if isinstance(place.get("messages"), list):
            return place
    return {"messages": line["input"]} if isinstance(line.get("input"), list) else None


def _response(line: _Json) -> _Json | None:
    for place in _places(line, "response", "output"):
        if isinstance(place.get("choices"), list):
            return place
    output = line.get("output")
    if isinstance(output, str):
        return {"choices": [{"message": {"content": output}}]}
    return {"choices": [{"message": output}]} if isinstance(output, dict) and "content" in output else None


def _answers(response: _Json) -> Iterator[Turn]:
    for choice in response.get("choices", ()):
        if "delta" in _dict(choice):
            raise UnusableLineError("a piece of a streamed response")
        message = _dict(choice).get("message") or {"content": _dict(choice).get("text")}
        filtered = _dict(choice).get("finish_reason") == "content_filter"
        yield read_turn({"role": "assistant"} | _dict(message), filtered=filtered)


def parts_unseen(message: Any) -> tuple[str, ...]:
    """Name the types of a message's parts that hold no text: images, audio, files."""
    content = _dict(message).get("content")
    parts = content if isinstance(content, list) else []
    return tuple(str(_dict(part).get("type"))[:_TYPE_CHARS] for part in parts if not _says(part))


def _says(part: Any) -> bool:
    return isinstance(part, str) or any(isinstance(_dict(part).get(key), str) for key in _TEXTS)


def read_turn(message: Any, *, filtered: bool = False) -> Turn:
    """Read one message of a chat-completion call; parts other than text leave a mark such as [image].

    Errors: UnusableLineError with the reason.
    """
    if not isinstance(message, dict):
        raise UnusableLineError("a message is not an object")
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES_OF:
        raise UnusableLineError("unknown role")
    refusal = message.get("refusal")
    calls = list(_tool_calls(message))
    said = _content(message.get("content")) or (refusal if isinstance(refusal, str) else "")
    text = "\n".join([*([said] if said else []), *(f"{name} {arguments}".strip() for name, arguments in calls)])
    name = message.get("name") if ROLES_OF[role] == "tool" else calls[0][0] if calls else None
    tool = name if isinstance(name, str) and name else None
    return Turn(ROLES_OF[role], text, tool, "refused" if filtered or refusal else None)


def _content(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise UnusableLineError("content is neither text nor parts")
    return "\n".join(_part(part) for part in content)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    for key in _TEXTS:
        if isinstance(_dict(part).get(key), str):
            return str(part[key])
    kind = str(_dict(part).get("type"))
    return next((f"[{marker}]" for marker in _MARKERS if marker in kind), "[other]")


def _tool_calls(message: _Json) -> Iterator[tuple[str, str]]:
    """Yield the name and the arguments of each tool that the message calls."""
    calls = message.get("tool_calls")
    older = [{"function": message["function_call"]}] if message.get("function_call") else []
    for call in calls if isinstance(calls, list) else older:
        called = _dict(_dict(call).get("function")) or _dict(_dict(call).get("custom"))
        arguments = called.get("arguments", called.get("input", ""))
        yield str(called.get("name", "")), arguments if isinstance(arguments, str) else encoded(arguments)


def encoded(value: Any) -> str:
    """Write a JSON value as text."""
    return msgspec.json.encode(value).decode()


def _first_text(places: list[_Json], keys: tuple[str, ...]) -> str | None:
    """Return the first name found; whole numbers serve as names too."""
    for place in places:
        for key in keys:
            value = place.get(key)
            if value is not None and value != "" and isinstance(value, (str, int)) and not isinstance(value, bool):
                return str(value)
    return None


def _time(places: list[_Json]) -> datetime:
    for place in places:
        for key in _TIME:
            if place.get(key) is not None:
                return _point(place[key])
    return UNKNOWN_TIME


def _point(value: Any) -> datetime:
    if isinstance(value, str):
        time = parse_time(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        time = from_epoch(value)
    else:
        time = None
    if time is None:
        raise UnusableLineError("time is neither ISO 8601 nor seconds since 1970")
    return time


def _tokens(line: _Json, response: _Json) -> tuple[int | None, int | None]:
    usage = _dict(response.get("usage")) or _dict(line.get("usage"))
    given = [
        (line.get("tokens_in"), usage.get("prompt_tokens"), usage.get("input_tokens")),
        (line.get("tokens_out"), usage.get("completion_tokens"), usage.get("output_tokens")),
    ]
    counts = [next((count for count in some if is_count(count)), None) for some in given]
    return counts[0], counts[1]


def is_count(value: Any) -> bool:
    """Say whether the value may be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _columns(line: _Json, request: _Json, response: _Json) -> _Json:
    """Return what holds for every turn; a field of another type than the native form has is passed over."""
    columns: _Json = {name: line[name] for name in _PLAIN_COLUMNS if isinstance(line.get(name), str)}
    model = _first_text([line, response, request], ("model",))
    network, status, signed_up = (line.get(name) for name in ("network", "status", "signed_up"))
    return columns | {
        "model": model,
        "network": _network(network),
        "status": status if isinstance(status, str) and status in STATUSES else None,
        "signed_up": parse_time(signed_up) if isinstance(signed_up, str) else None,
        "attributes": encoded(line["attributes"]) if isinstance(line.get("attributes"), dict) else None,
    }


def _network(value: Any) -> _Json | None:
    if isinstance(value, str):
        return {"asn": value, "country": None}
    asn, country = (_first_text([_dict(value)], (key,)) for key in ("asn", "country"))
    return {"asn": asn, "country": country} if asn or country else None
