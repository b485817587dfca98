"""What goes over HTTP, without HTTP: answers of servers, replies to clients, and the way to ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
SIZE = "text/x.tlog.size"
MIRROR_INFO = "text/x.tlog.mirror-info"


@dataclass(frozen=True)
class Answer:
    """Status, body and content type, given or received."""

    status: int
    body: bytes = b""
    content_type: str = TEXT


class Transport(Protocol):
    """Sends one HTTP request."""

    def __call__(self, method: str, url: str, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Ask, and read an answer of at most `most` bytes.

        Errors: TransportError where none comes, or a longer one.
        """


def refuse(status: int, why: object) -> Answer:
    """Answer with a line that says why."""
    return Answer(status, f"{why}\n".encode())
