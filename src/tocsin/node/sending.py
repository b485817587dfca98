"""Send what sinks wrote: HTTP and syslog, bounded in time and size whatever the other end does.

Where to is in the settings and nowhere else; no redirect is followed.
"""

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from tocsin.forms import TransportError
from tocsin.node.sinks import Request

MOST_BYTES = 64 * 1024
SECONDS = 10.0


@dataclass(frozen=True)
class Reply:
    """What the other end said; for syslog, which says nothing, that all was handed over."""

    status: int
    body: bytes
    retry_after: str | None = None


def open_client(trusted: ssl.SSLContext) -> httpx.AsyncClient:
    """Open connections that are kept for a while."""
    return httpx.AsyncClient(verify=trusted, timeout=SECONDS, follow_redirects=False, headers={"user-agent": "tocsin"})


async def send(request: Request, client: httpx.AsyncClient, seconds: float = SECONDS) -> Reply:
    """Send once.

    Errors: TransportError where there is no whole answer in time; it never names the address, which may hold a secret.
    """
    try:
        async with asyncio.timeout(seconds):
            if request.url.startswith("syslog+"):
                return await _hand_over(request)
            return await _post(request, client)
    except TimeoutError as error:
        raise TransportError(f"no answer within {seconds:g} seconds") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise TransportError(f"no answer: {type(error).__name__}") from error


async def _post(request: Request, client: httpx.AsyncClient) -> Reply:
    async with client.stream("POST", request.url, content=request.body, headers=dict(request.headers)) as answer:
        found = bytearray()
        async for piece in answer.aiter_bytes():
            found += piece[: MOST_BYTES - len(found)]
            if len(found) == MOST_BYTES:
                break
        return Reply(answer.status_code, bytes(found), answer.headers.get("retry-after"))


async def _hand_over(request: Request) -> Reply:
    where = urlsplit(request.url)
    host, port = where.hostname or "", where.port or 514
    if where.scheme == "syslog+udp":
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, port))
        transport.sendto(request.body)
        transport.close()
        return Reply(200, b"")
    secure = ssl.create_default_context() if where.scheme == "syslog+tls" else None
    _, writer = await asyncio.open_connection(host, port, ssl=secure)
    try:
        writer.write(request.body)
        await writer.drain()
    finally:
        writer.close()
        await writer.wait_closed()
    return Reply(200, b"")
