"""Understand GenAI spans: which messages a model call holds, in the present and the older semantic conventions.

Sources: OpenTelemetry semantic conventions, docs/gen-ai (1.37 and later: messages as attributes), 1.36 (an event a
message), 1.27 (prompt and completion as JSON), and the numbered attributes that instrumentations wrote before.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from tocsin.traffic.calls import ROLES_OF, Call, Turn, UnusableLineError, encoded, is_count, read_turn
from tocsin.traffic.otlp import Attributes, Span
from tocsin.traffic.times import from_epoch

NO_CONTENT = "no content captured"
ACCOUNT = ("tocsin.account", "enduser.id", "user.id", "enduser.pseudo.id", "gen_ai.openai.request.user")
SESSION = ("tocsin.session", "gen_ai.conversation.id", "session.id")
_OWN = ("org", "key_id", "end_user", "client", "device", "payment", "lang")
_MODEL = ("gen_ai.response.model", "gen_ai.request.model")
_SYSTEMS = ("gen_ai.provider.name", "gen_ai.system", "gen_ai.request.model")
_CALLS = ("chat", "text_completion", "generate_content", "completion")
_TOKENS_IN = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_TOKENS_OUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_DETAILS = "gen_ai.client.inference.operation.details"
_SPEAKERS = {"gen_ai.system.message": "system", "gen_ai.user.message": "user"}
_SPEAKERS |= {"gen_ai.assistant.message": "assistant", "gen_ai.tool.message": "tool"}
_OTHER_ROLES = {"model": "assistant", "ai": "assistant", "human": "user"}
_NUMBERED = re.compile(
    r"gen_ai\.(prompt|completion)\.(\d{1,4})\.(role|content|finish_reason|tool_calls\.(\d{1,3})\.(name|arguments))"
)
_MODALITIES = ("image", "audio", "video")


def read_span(span: Span) -> Call | None:
    """Return the model call that a span holds, None where it is about something else.

    Raises UnusableLineError with the reason of its reject; the reason is NO_CONTENT where the span is a model call
    without any message, which is what instrumentations send unless told to capture content.
    """
    if not any(key.startswith("gen_ai.") for key in span.attributes):
        return None
    asked, answered = _messages(span)
    if not asked and not answered:
        if _is_model_call(span.attributes):
            raise UnusableLineError(NO_CONTENT)
        return None
    time = from_epoch(span.start / 1e9)
    if time is None or not span.start:
        raise UnusableLineError("time is neither ISO 8601 nor seconds since 1970")
    failed = span.failed or "error.type" in span.attributes
    return Call(
        id=None,
        account=_text(span.attributes, ACCOUNT),
        session=_text(span.attributes, SESSION),
        time=time,
        asked=tuple(asked),
        answered=tuple(answered) or ((Turn("assistant", "", status="error"),) if failed else ()),
        columns=_columns(span),
        tokens=(_count(span.attributes, _TOKENS_IN), _count(span.attributes, _TOKENS_OUT)),
    )


def _is_model_call(attributes: Attributes) -> bool:
    operation = attributes.get("gen_ai.operation.name")
    return operation in _CALLS or (operation is None and any(key in attributes for key in _SYSTEMS))


def _messages(span: Span) -> tuple[list[Turn], list[Turn]]:
    """Return what was asked and answered, from the newest form that holds anything."""
    places = [span.attributes, *(attributes for name, attributes in span.events if name == _DETAILS)]
    asked: list[Turn] = []
    answered: list[Turn] = []
    for place in places:
        asked = asked or [*_instructions(place), *_listed(place, "gen_ai.input.messages")]
        answered = answered or list(_listed(place, "gen_ai.output.messages"))
    if asked or answered:
        return asked, answered
    asked, answered = _told_by_events(span)
    if asked or answered:
        return asked, answered
    asked, answered = _numbered(span.attributes)
    return (asked, answered) if asked or answered else _as_json(span)


def _decoded(value: Any) -> Any:
    """Return a structured attribute, which many SDKs can only send as a text of JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UnusableLineError("messages are not JSON, maybe cut off by an attribute limit") from None


def _instructions(place: Attributes) -> Iterator[Turn]:
    parts = _decoded(place.get("gen_ai.system_instructions"))
    if isinstance(parts, list) and parts:
        yield Turn("system", "\n".join(_said(parts)))


def _listed(place: Attributes, name: str) -> Iterator[Turn]:
    messages = _decoded(place.get(name))
    if messages is not None and not isinstance(messages, list):
        raise UnusableLineError("messages are not a list")
    for message in messages or ():
        yield _turn(message)


def _turn(message: Any) -> Turn:
    """Read a message of parts; one with `content` is read as a chat message."""
    if not isinstance(message, dict):
        raise UnusableLineError("a message is not an object")
    role = message.get("role")
    role = _OTHER_ROLES.get(role, role) if isinstance(role, str) else role
    filtered = message.get("finish_reason") == "content_filter"
    parts = message.get("parts")
    if not isinstance(parts, list):
        return read_turn(message | {"role": role}, filtered=filtered)
    if role not in ROLES_OF:
        raise UnusableLineError("unknown role")
    calls = [part for part in parts if isinstance(part, dict) and part.get("type") == "tool_call"]
    tool = calls[0].get("name") if calls else message.get("name")
    text = "\n".join(said for said in _said(parts) if said)
    named = tool if isinstance(tool, str) and tool and ROLES_OF[role] != "user" else None
    return Turn(ROLES_OF[role], text, named, "refused" if filtered else None)


def _said(parts: list[Any]) -> Iterator[str]:
    """Yield the text of each part; what a model reasons on the way is no message, and files are named by their kind."""
    for part in parts:
        if not isinstance(part, dict):
            yield part if isinstance(part, str) else "[other]"
            continue
        kind, content = part.get("type"), part.get("content")
        if kind == "tool_call":
            yield f"{part.get('name') or ''} {_plain(part.get('arguments'))}".strip()
        elif kind == "tool_call_response":
            yield _plain(part.get("response", part.get("result")))
        elif kind in ("text", None) and isinstance(content, str):
            yield content
        elif kind != "reasoning":
            modality = str(part.get("modality") or kind)
            yield next(
                (f"[{name}]" for name in _MODALITIES if name in modality), "[file]" if "file" in modality else "[other]"
            )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else encoded(value)


def _told_by_events(span: Span) -> tuple[list[Turn], list[Turn]]:
    """Read the convention in which every message was an event of the span."""
    asked: list[Turn] = []
    answered: list[Turn] = []
    for name, attributes in span.events:
        if name in _SPEAKERS:
            asked.append(read_turn({"role": _SPEAKERS[name]} | _body(attributes)))
        elif name == "gen_ai.choice":
            choice = _body(attributes)
            message = choice.get("message") or choice
            message = _parts_or_text(message) if isinstance(message, str) else message
            filtered = choice.get("finish_reason") == "content_filter"
            said = message if isinstance(message, dict) else {"content": message}
            answered.append(read_turn({"role": "assistant"} | said, filtered=filtered))
    return asked, answered


def _body(attributes: Attributes) -> dict[str, Any]:
    """Return the message of an event: its attributes, or the JSON that one of them holds."""
    whole = _decoded(attributes.get("gen_ai.event.content"))
    body = whole if isinstance(whole, dict) else dict(attributes)
    role = body.get("role")
    body = {key: value for key, value in body.items() if value is not None and key != "role"}
    if isinstance(role, str) and _OTHER_ROLES.get(role, role) in ROLES_OF:
        body["role"] = _OTHER_ROLES.get(role, role)
    if isinstance(body.get("tool_calls"), str):
        body["tool_calls"] = _decoded(body["tool_calls"])
    return body


def _numbered(attributes: Attributes) -> tuple[list[Turn], list[Turn]]:
    """Read messages spread over attributes such as gen_ai.prompt.0.content."""
    sides: dict[str, dict[int, dict[str, Any]]] = {"prompt": {}, "completion": {}}
    for key in sorted(attributes):
        if found := _NUMBERED.fullmatch(key):
            side, number, what, call, field = found.groups()
            message = sides[side].setdefault(int(number), {})
            if call is None:
                message[what] = attributes[key]
            else:
                message.setdefault("calls", {}).setdefault(int(call), {})[field] = attributes[key]
    return (
        [_from_numbered(message, "user") for _, message in sorted(sides["prompt"].items())],
        [_from_numbered(message, "assistant") for _, message in sorted(sides["completion"].items())],
    )


def _from_numbered(message: dict[str, Any], role: str) -> Turn:
    calls = [{"function": call} for _, call in sorted(message.pop("calls", {}).items())]
    content = message.get("content")
    if isinstance(content, str) and content.startswith("[{"):
        content = _parts_or_text(content)
    return _turn({"role": role, "tool_calls": calls} | message | {"content": content})


def _parts_or_text(content: str) -> Any:
    try:
        return _decoded(content)
    except UnusableLineError:  # a text that only looks like a list of parts
        return content


def _as_json(span: Span) -> tuple[list[Turn], list[Turn]]:
    """Read the oldest form: prompt and completion as JSON, on the span or on events of it."""
    prompt, completion = span.attributes.get("gen_ai.prompt"), span.attributes.get("gen_ai.completion")
    for _, attributes in span.events:
        prompt = prompt or attributes.get("gen_ai.prompt")
        completion = completion or attributes.get("gen_ai.completion")
    return [*_oldest(prompt, "user")], [*_oldest(completion, "assistant")]


def _oldest(value: Any, role: str) -> Iterator[Turn]:
    messages = _parts_or_text(value) if isinstance(value, str) else value
    if isinstance(messages, str):
        yield Turn(role, messages)
        return
    for message in messages if isinstance(messages, list) else [messages] if isinstance(messages, dict) else []:
        yield _turn({"role": role} | message if isinstance(message, dict) else message)


def _text(attributes: Attributes, keys: tuple[str, ...]) -> str | None:
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _count(attributes: Attributes, keys: tuple[str, ...]) -> int | None:
    return next((attributes[key] for key in keys if is_count(attributes.get(key))), None)


def _columns(span: Span) -> dict[str, Any]:
    """Return what holds for every turn; columns of TRAFFIC that no convention knows are read from `tocsin.NAME`."""
    own = {name: _text(span.attributes, (f"tocsin.{name}",)) for name in _OWN}
    asn, country = (_text(span.attributes, (f"tocsin.network.{name}",)) for name in ("asn", "country"))
    return own | {
        "model": _text(span.attributes, _MODEL),
        "network": {"asn": asn, "country": country} if asn or country else None,
        "attributes": encoded({"trace": span.trace[:64]}) if span.trace else None,
    }
