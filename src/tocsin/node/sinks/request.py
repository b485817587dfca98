"""What a sink sends, and how it takes the answer; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from tocsin.node.sinks.message import Message, Names

GONE = 410
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request, or with a `syslog…` address one frame."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Told:
    """What a sink needs beside the message: where to, in which words, with which secrets, and when it is sent.

    `now` is POSIX seconds. `link` has `{case}` in it, or is empty.
    """

    url: str
    lang: str = "en"
    secrets: tuple[str, ...] = ()
    now: int = 0
    names: Names | None = None
    link: str = ""
    project: str = ""
    issue_type: str = "Task"
    index: str = "tocsin-decisions"

    def link_to(self, message: Message) -> str:
        """Where a person reads the case; empty where nothing is set."""
        return self.link.replace("{case}", quote(message.case, safe=""))


Form = Callable[[Message, Told], Request]
"""How a sink writes a message."""

Taken = Callable[[int, bytes], bool]
"""Whether an answer, by status and body, says that the message was taken."""


def as_json(value: Any) -> bytes:
    """Write JSON in UTF-8, keys in the order given."""
    return msgspec.json.encode(value)


def answer_json(body: bytes) -> Mapping[str, Any]:
    """Read an answer's JSON object; an empty one for anything else."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def is_success(status: int, _body: bytes) -> bool:
    """Take any status 2xx for a yes."""
    return 200 <= status < 300
