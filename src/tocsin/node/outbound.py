"""Requests to other people's servers: bounded in time and size, whatever they answer."""

from collections.abc import Mapping

import httpx

from tocsin.forms.errors import TransportError
from tocsin.ledger import Answer

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class HttpTransport:
    """Send requests over kept connections; safe to share between threads."""

    def __init__(self, *, connect: float = CONNECT_SECONDS, answer: float = ANSWER_SECONDS) -> None:
        self._client = httpx.Client(timeout=httpx.Timeout(answer, connect=connect), follow_redirects=False)

    def __call__(self, method: str, url: str, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Ask, and read an answer of at most `most` bytes.

        Errors: TransportError where none comes, or a longer one.
        """
        try:
            with self._client.stream(method, url, content=body or None, headers=dict(headers)) as response:
                return Answer(response.status_code, _read(response, most), response.headers.get("content-type", ""))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            host = url.partition("//")[2].partition("/")[0]
            why = f"{type(error).__name__} on {method} to {host!r}"
            raise TransportError(f"no answer: {why}", hint="check the address, and whether the server runs") from error

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()


def _read(response: httpx.Response, most: int) -> bytes:
    found = bytearray()
    for piece in response.iter_bytes():
        found += piece
        if len(found) > most:
            raise TransportError(f"the answer is above {most} bytes", hint="ask who runs the server")
    return bytes(found)
