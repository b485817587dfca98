"""Read indicators of a STIX 2.1 bundle that name something events have."""

from datetime import datetime
from typing import Any

from tocsin.node.leads.lead import Read, kind_of
from tocsin.node.leads.pattern import UnreadPatternError, values_of
from tocsin.node.leads.times import parse_moment

_ACCOUNTS = ("user-account:user_id", "user-account:account_login", "email-addr:value")
_AGENT = "request_header.'user-agent'"
_ADDRESSES = ("ipv4-addr", "ipv6-addr", "domain-name", "url", "mac-addr")
_LANGUAGES = ("pcre", "sigma", "snort", "suricata", "yara")


def read_stix(bundle: dict[str, Any], now: datetime) -> Read:
    """Read a decoded bundle; `now` decides which indicators are still valid."""
    read = Read()
    objects = bundle.get("objects")
    for one in objects if isinstance(objects, list) else ():
        if not isinstance(one, dict):
            read.skip("an entry that is no object")
        elif one.get("type") == "indicator":
            _indicator(one, read, now)
        else:
            read.skip("an object that is no indicator")
    return read


def _indicator(one: dict[str, Any], read: Read, now: datetime) -> None:
    language, pattern = one.get("pattern_type", "stix"), one.get("pattern")
    until = parse_moment(one.get("valid_until"))
    if one.get("revoked") is True:
        read.skip("revoked")
    elif until and until <= now:
        read.skip("no longer valid")
    elif language != "stix" or not isinstance(pattern, str):
        read.skip(f"a pattern in {language}" if language in _LANGUAGES else "a pattern in another language")
    else:
        try:
            values = values_of(pattern)
        except UnreadPatternError as problem:
            read.skip(str(problem))
            return
        labels = [label for name in ("labels", "indicator_types") for label in _list(one.get(name))]
        note = one.get("name") if isinstance(one.get("name"), str) else ""
        for path, value in values:
            _take(read, path, value, kind=kind_of(labels), note=note or "", until=until)


def _take(read: Read, path: str, value: str, *, kind: str | None, note: str, until: datetime | None) -> None:
    thing = path.partition(":")[0]
    form = _form(path)
    if form:
        read.take(form, value, kind=kind, note=note, until=until)
    elif thing in _ADDRESSES:
        read.skip("an address: events name networks by AS number alone")
    else:
        read.skip("a file or hash" if thing == "file" else "something that events do not have")


def _form(path: str) -> str | None:
    if path in _ACCOUNTS:
        return "account"
    if path == "autonomous-system:number":
        return "network"
    if path.startswith("network-traffic:") and path.lower().endswith(_AGENT):
        return "client"
    return "text" if path == "x-tocsin-text:value" else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
