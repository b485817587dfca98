"""What a source of messages does: hand some out, and be told when they are kept."""

from collections.abc import Sequence
from typing import Protocol

MOST_MESSAGES = 2000


class Messages(Protocol):
    """A topic or stream that sends again whatever was not confirmed."""

    name: str

    def fetch(self) -> Sequence[bytes]:
        """Return the messages that are at hand, maybe none, without waiting for more.

        Errors: TransportError where the broker cannot be reached or refuses.
        """

    def confirm(self) -> None:
        """Tell the broker that everything fetched so far is durable here.

        Errors: TransportError; then it may be sent again.
        """

    def rest(self) -> None:
        """Stay a member without taking more, while the node catches up."""

    def close(self) -> None:
        """Leave."""
