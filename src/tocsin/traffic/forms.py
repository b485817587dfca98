"""Tell by a line which form a log has."""

import msgspec

_CALL_KEYS = frozenset({"messages", "choices", "request", "response", "body", "input", "output"})
_shape_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def form_of(line: bytes) -> str | None:
    """Return the form that a line shows: jsonl, chat, otlp, or None."""
    try:
        keys = _shape_of(line).keys()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if {"role", "text"} <= keys:
        return "jsonl"
    if "resourceSpans" in keys:
        return "otlp"
    return None if _CALL_KEYS.isdisjoint(keys) else "chat"
