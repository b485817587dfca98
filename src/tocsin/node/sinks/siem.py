"""Messages for security monitoring: CEF in syslog, Splunk's HTTP Event Collector, OpenSearch."""

import re
from typing import Any

from tocsin import __version__
from tocsin.cases import Effect
from tocsin.node.sinks.message import Message, data_of, iso, title
from tocsin.node.sinks.request import JSON, Request, Told, answer_json, as_json, is_success

_AUDIT = 13  # RFC 5424: log audit
_INFORMATION, _NOTICE, _WARNING = 6, 5, 4
_LEVEL = {
    Effect.DISMISS: _INFORMATION,
    Effect.MONITOR: _INFORMATION,
    Effect.WARN: _NOTICE,
    Effect.LIMIT: _NOTICE,
}
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
_TAKEN_BEFORE = 409


def cef(message: Message, lang: str) -> str:
    """Write CEF, version 0: a header of seven fields, then an extension of keys from its dictionary."""
    head = (__version__, message.about, title(message, lang), str(message.severity * 2))
    told: dict[str, str] = {
        "rt": str(message.time // 1000),
        "externalId": message.id,
        "dvchost": message.node,
        "cs1Label": "case",
        "cs1": message.case,
        "cs2Label": "before",
        "cs2": message.before or "none",
        "act": message.effect or "none",
        "reason": message.reason or "none",
        "cat": ",".join(message.kinds),
        "cn1Label": "sequence",
        "cn1": str(message.sequence),
        "cn2Label": "people",
        "cn2": str(message.people),
    } | ({"duser": ",".join(message.accounts)} if message.accounts else {})
    extension = " ".join(f"{key}={_extension(value)}" for key, value in told.items())
    return "|".join(("CEF:0", "Tocsin", "node", *(_header(text) for text in head), extension))


def _header(text: str) -> str:
    """Escape a header field: a backslash before backslash and pipe; no line breaks."""
    return re.sub(r"[\r\n]+", " ", _CONTROL.sub("", text)).replace("\\", "\\\\").replace("|", "\\|")


def _extension(text: str) -> str:
    r"""Escape a value: a backslash before backslash and equals sign; line breaks as \n and \r."""
    kept = _CONTROL.sub("", text).replace("\\", "\\\\").replace("=", "\\=")
    return kept.replace("\n", "\\n").replace("\r", "\\r")


def syslog(message: Message, told: Told) -> Request:
    """Write a frame of RFC 5424 with CEF as its text: counted in octets (RFC 6587) on TCP and TLS, bare on UDP."""
    level = _LEVEL.get(message.effect, _WARNING) if message.effect else _INFORMATION
    head = (
        f"<{_AUDIT * 8 + level}>1 {iso(message.when)} {_name(message.node, 255)} tocsin - {_name(message.about, 32)} -"
    )
    frame = f"{head} {cef(message, told.lang)}".encode()
    counted = frame if told.url.startswith("syslog+udp:") else f"{len(frame)} ".encode() + frame
    return Request(told.url, counted, {})


def _name(text: str, most: int) -> str:
    """Keep what a header field of RFC 5424 may hold: printable ASCII without blanks; a dash for nothing."""
    return _NOT_PRINTABLE.sub("", text)[:most] or "-"


def splunk(message: Message, told: Told) -> Request:
    """Write an event for Splunk's HTTP Event Collector."""
    event = {"id": message.id, "type": message.about, "title": title(message, told.lang)} | data_of(message)
    body = {
        "time": message.seconds,
        "host": message.node,
        "source": "tocsin",
        "sourcetype": "tocsin:decision",
        "event": event,
    }
    return Request(told.url, as_json(body), {"content-type": JSON, "authorization": f"Splunk {_one(told)}"})


def opensearch(message: Message, told: Told) -> Request:
    """Write for OpenSearch's `_bulk`: made under the message's id, so that a second try makes no second document."""
    action = {"create": {"_index": told.index, "_id": message.id}}
    words = {"@timestamp": iso(message.when), "type": message.about, "title": title(message, told.lang)}
    body = as_json(action) + b"\n" + as_json(words | data_of(message)) + b"\n"
    given = {"authorization": _one(told)} if told.secrets else {}
    return Request(told.url, body, {"content-type": "application/x-ndjson"} | given)


def opensearch_took(status: int, body: bytes) -> bool:
    """Read the one item of the answer: made now, or there since an earlier try."""
    items: Any = answer_json(body).get("items")
    if not is_success(status, body) or not isinstance(items, list) or len(items) != 1:
        return False
    made = items[0].get("create") if isinstance(items[0], dict) else None
    code = made.get("status") if isinstance(made, dict) else None
    return isinstance(code, int) and (is_success(code, b"") or code == _TAKEN_BEFORE)


def splunk_took(status: int, body: bytes) -> bool:
    """Read the collector's answer: code 0."""
    return is_success(status, body) and answer_json(body).get("code") == 0


def _one(told: Told) -> str:
    return told.secrets[0] if told.secrets else ""
