"""Read attributes of MISP events that name something events of AI traffic have (MISP core format)."""

from collections.abc import Iterator
from typing import Any

from tocsin.node.leads.lead import Read, kind_of

_FORMS = {
    "AS": "network",
    "user-agent": "client",
    "email": "account",
    "email-src": "account",
    "target-email": "account",
}
# Of objects, the attributes of general type whose relation says what they are.
_RELATIONS = {
    ("user-account", "user-id"): "account",
    ("user-account", "username"): "account",
    ("ai-chat-prompt", "prompt"): "text",
}
_GENERAL = ("text", "comment", "other")
_ADDRESSES = (
    "ip-src",
    "ip-dst",
    "ip-src|port",
    "ip-dst|port",
    "domain",
    "domain|ip",
    "hostname",
    "url",
    "uri",
    "mac-address",
)


def read_misp(events: list[dict[str, Any]]) -> Read:
    """Read decoded MISP events, those of a feed or of an export alike."""
    read = Read()
    for event in events:
        tags, info = _tags(event), event.get("info")
        note = info if isinstance(info, str) else ""
        for attribute in _dicts(event.get("Attribute")):
            _attribute(attribute, None, tags, note, read)
        for thing in _dicts(event.get("Object")):
            for attribute in _dicts(thing.get("Attribute")):
                _attribute(attribute, thing, tags, note, read)
    return read


def misp_events(document: object) -> list[dict[str, Any]] | None:
    """Find the events of a decoded document: one event, the answer to a search, or a list; None where it is neither."""
    if isinstance(document, dict):
        if isinstance(document.get("Event"), dict):
            return [document["Event"]]
        document = document.get("response")
    if not isinstance(document, list) or not all(isinstance(one, dict) for one in document):
        return None
    events = [one.get("Event", one) for one in document]
    known = [one for one in events if isinstance(one, dict) and ("Attribute" in one or "Object" in one)]
    return known if len(known) == len(events) and known else None


def _attribute(one: dict[str, Any], thing: dict[str, Any] | None, tags: list[object], note: str, read: Read) -> None:
    sort, value = one.get("type"), one.get("value")
    if not isinstance(sort, str) or not isinstance(value, str):
        read.skip("an attribute without type or value")
    elif one.get("deleted") in (True, "1", 1) or (thing and thing.get("deleted") in (True, "1", 1)):
        read.skip("deleted")
    elif (form := _form(sort, one, thing)) is None:
        address = "an address: events name networks by AS number alone"
        read.skip(address if sort in _ADDRESSES else "something that events do not have")
    elif one.get("to_ids") in (False, "0", 0) and form != "text":
        read.skip("not meant for detection")
    else:
        read.take(form, value, kind=kind_of([*_tags(one), *tags]), note=note, until=None)


def _form(sort: str, one: dict[str, Any], thing: dict[str, Any] | None) -> str | None:
    if sort in _GENERAL:
        return _RELATIONS.get((str(thing.get("name")), str(one.get("object_relation")))) if thing else None
    return _FORMS.get(sort)


def _tags(one: dict[str, Any]) -> list[object]:
    return [tag.get("name") for tag in _dicts(one.get("Tag"))]


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
