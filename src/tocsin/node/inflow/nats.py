"""Take messages from a NATS JetStream stream as a durable consumer; acknowledged only once they are durable here."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig
from nats.js.client import JetStreamContext

from tocsin.forms import TransportError
from tocsin.node.inflow.messages import MOST_MESSAGES

_PATIENCE_S = 10.0
_PULL_S = 1.0
_T = TypeVar("_T")


class NatsStream:
    """Pull from a stream on a thread of its own, so that the connection lives while the worker does other things."""

    def __init__(
        self, url: str, stream: str, subject: str, durable: str, credentials: str = "", patience: float = 5.0
    ) -> None:
        """Connect, for at most `patience` seconds.

        Errors: TransportError where the server cannot be reached or has no such stream.
        """
        self.name = f"nats {stream}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._thread.start()
        self._pull: Future[list[Msg]] | None = None
        self._unconfirmed: list[Msg] = []
        try:
            self._client, self._subscription = self._await(
                asyncio.wait_for(_subscribed(url, stream, subject, durable, credentials), patience)
            )
        except TransportError:
            self._stop()
            raise

    def fetch(self) -> Sequence[bytes]:
        """Return what a pull has brought, and have the next one under way."""
        messages: list[Msg] = []
        if self._pull is not None and self._pull.done():
            pull, self._pull = self._pull, None
            messages = _result(pull)
        if self._pull is None and not messages:
            self._pull = asyncio.run_coroutine_threadsafe(_pulled(self._subscription), self._loop)
        self._unconfirmed += messages
        return [message.data for message in messages]

    def confirm(self) -> None:
        """Acknowledge what was fetched."""
        messages, self._unconfirmed = self._unconfirmed, []
        self._await(_acknowledged(self._client, messages))

    def rest(self) -> None:
        """Pull nothing; what a pull under way brings waits."""

    def close(self) -> None:
        """Disconnect."""
        try:
            self._await(self._client.close())
        finally:
            self._stop()

    def _await(self, what: Coroutine[Any, Any, _T]) -> _T:
        return _result(asyncio.run_coroutine_threadsafe(what, self._loop))

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)


async def _subscribed(
    url: str, stream: str, subject: str, durable: str, credentials: str
) -> tuple[Client, JetStreamContext.PullSubscription]:
    more = {"user_credentials": credentials} if credentials else {}
    client = await nats.connect(
        url, connect_timeout=2, max_reconnect_attempts=-1, allow_reconnect=True, error_cb=_unheard, **more
    )
    try:
        wanted = ConsumerConfig(max_ack_pending=10 * MOST_MESSAGES)
        subscription = await client.jetstream().pull_subscribe(subject, durable=durable, stream=stream, config=wanted)
    except BaseException:
        await client.close()
        raise
    return client, subscription


async def _unheard(_error: Exception) -> None:
    """Leave troubles of the connection to the calls that meet them."""


async def _pulled(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    try:
        return await subscription.fetch(MOST_MESSAGES, timeout=_PULL_S)
    except NatsTimeoutError:  # nothing there
        return []


async def _acknowledged(client: Client, messages: Sequence[Msg]) -> None:
    for message in messages:
        await message.ack()
    await client.flush()


def _result(future: "Future[_T]") -> _T:
    try:
        return future.result(_PATIENCE_S)
    except (NatsError, OSError, TimeoutError) as error:
        why = f"the NATS server cannot be used: {type(error).__name__}"
        raise TransportError(why, hint="check that it runs, that the stream exists, and the section [nats]") from error
