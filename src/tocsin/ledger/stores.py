"""Where a ledger keeps things: two small protocols. One contract suite holds every store to them."""

from collections.abc import Iterator, Mapping
from typing import Protocol


class Objects(Protocol):
    """Named bytes. A name is a path of plain parts; what is once under `tile/` never changes."""

    def get(self, name: str) -> bytes | None:
        """Read an object whole, or None."""

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Write objects: durable, and each whole or absent after any crash, when this returns."""

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""

    def names(self, prefix: str) -> Iterator[str]:
        """List the objects whose names begin with a folder's name and a slash."""


class Registers(Protocol):
    """Named values that change only from one known value to the next, whoever else tries at the same time."""

    def read(self, name: str) -> bytes | None:
        """Read a register; None where it was never written."""

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write `new` if the register still holds `old`, durably, in one atomic step; tell whether it did."""


class Store(Objects, Registers, Protocol):
    """Both, in one place."""
