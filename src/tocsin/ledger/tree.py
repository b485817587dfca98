"""A tree that grows in a store, safe against crashes and other writers at any point.

The head register names the size and the root. A record object, named by them, holds the edge before the last batch and
the batch. The order of an append: record durable; head swapped, and with that the entries are in; then the tiles that
the batch filled. A crash leaves the last step open, or a record that no head names: the next writer finishes the one,
and removes the other once the tree has grown past it. Only full tiles are written on the way; the partial ones of a
size are made when a checkpoint of that size is to be served.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.forms.errors import FormatError, TransportError
from tocsin.ledger.edge import Edge, Growth, grow, read_record, write_record
from tocsin.ledger.merkle import EMPTY_ROOT, HASH_BYTES
from tocsin.ledger.prove import root_of
from tocsin.ledger.stores import Store
from tocsin.ledger.strict import read_base64, read_decimal, write_base64
from tocsin.ledger.tiles import (
    ENTRIES,
    HEIGHT,
    WIDTH,
    TileHashes,
    read_bundle,
    read_hashes,
    tile_name,
    tile_width,
    write_bundle,
)

RESTORE = "restore the folder from a backup, then recover from a mirror what came after it"


@dataclass(frozen=True)
class Head:
    """Size and root of the tree as it stands."""

    size: int
    root: bytes

    def encode(self) -> bytes:
        """Write the head."""
        return f"{self.size}\n{write_base64(self.root)}\n".encode()


def parse_head(raw: bytes) -> Head:
    """Read a head.

    Errors: FormatError.
    """
    lines = raw.decode("ascii", errors="replace").split("\n")
    if len(lines) != 3 or lines[2]:
        raise FormatError("the head is not two lines")
    return Head(read_decimal(lines[0], "tree size"), read_base64(lines[1], "root hash", HASH_BYTES))


class Tree:
    """A growing tree; `at` is the folder of its private objects in the store, `public` that of its tiles."""

    def __init__(self, store: Store, at: str, public: str) -> None:
        self._store = store
        self._head_name = f"{at}/head"
        self._records = f"{at}/records/"
        self._public = f"{public}/"
        self._known: tuple[Head, Edge] = Head(0, EMPTY_ROOT), Edge()

    def head(self) -> Head:
        """Read how far the tree has grown."""
        raw = self._store.read(self._head_name)
        return parse_head(raw) if raw else Head(0, EMPTY_ROOT)

    def extend(self, head: Head, entries: Sequence[bytes]) -> Head | None:
        """Append entries to the tree of `head`; None where it has grown meanwhile. Durable when this returns.

        Errors: TransportError, after which the entries may be in or not: ask again for their leaf hashes.
        """
        edge = self._edge(head)
        if edge is None:
            return None
        growth = grow(edge, entries)
        new = Head(growth.edge.size, growth.edge.root())
        self._store.put({self._record(new): write_record(edge, entries)})
        if not self._store.swap(self._head_name, head.encode() if head.size else None, new.encode()):
            return None  # the record stays: who was faster may have brought the same entries, and needs it
        self._finish(new, growth)
        return new

    def publish(self, size: int) -> None:
        """Write the partial tiles and the partial bundle of the tree of `size` leaves, not above the head's."""
        edge = self._now()
        partial = {}
        level = 0
        while count := size >> (HEIGHT * level):
            if count % WIDTH:
                tile = self._tile(edge, level, count // WIDTH, count % WIDTH)
                partial[self._public + tile_name(level, count // WIDTH, count % WIDTH)] = tile
            level += 1
        if size % WIDTH:
            name = self._public + tile_name(ENTRIES, size // WIDTH, size % WIDTH)
            partial[name] = write_bundle(self._bundle(edge, size // WIDTH)[: size % WIDTH])
        self._store.put(partial)

    def hashes(self) -> TileHashes:
        """Give the hashes of the tree as it stands now."""
        edge = self._now()
        return TileHashes(lambda level, index, width: self._tile(edge, level, index, width), edge.size)

    def root(self, size: int) -> bytes:
        """Compute the root that the tree had at `size` leaves."""
        return root_of(self.hashes(), 0, size)

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Give the leaf hashes from `start` to `end`, not above the head's size."""
        edge = self._now()
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            width = tile_width(0, index, edge.size)
            low, high = max(start - index * WIDTH, 0), min(end - index * WIDTH, width)
            found += read_hashes(self._tile(edge, 0, index, width), width)[low:high]
        return found

    def entries(self, start: int, end: int) -> list[bytes]:
        """Give the entries from `start` to `end`, not above the head's size."""
        edge = self._now()
        found: list[bytes] = []
        while start < end:
            first = start // WIDTH * WIDTH
            found += self._bundle(edge, start // WIDTH)[start - first : end - first]
            start = first + WIDTH
        return found

    def _now(self) -> Edge:
        """Find the edge of the tree as it stands."""
        while (edge := self._edge(self.head())) is None:
            continue  # it grew between the two reads
        return edge

    def _edge(self, head: Head) -> Edge | None:
        """Find the edge of a head, finishing what its writer may have left open; None where the tree is past it."""
        known, edge = self._known  # read once: other threads may go on meanwhile
        if known != head:
            raw = self._store.get(self._record(head))
            if raw is None and self.head() != head:
                return None
            if raw is None:
                raise TransportError(f"the record of the tree of {head.size} leaves is gone", hint=RESTORE)
            growth = grow(*read_record(raw))
            self._finish(head, growth)
            edge = growth.edge
        return edge

    def _finish(self, head: Head, growth: Growth) -> None:
        """Write what the last batch filled; the last of it last, so that its presence tells that all is there."""
        full = {self._public + tile_name(*place): raw for place, raw in growth.full.items()}
        last = next(reversed(full), None)
        if last and self._store.get(last) is None:
            end = {last: full.pop(last)}
            self._store.put(full)
            self._store.put(end)
        self._known = head, growth.edge
        self._tidy(head)

    def _tidy(self, head: Head) -> None:
        """Remove the records of smaller trees: the head has left them behind, no writer can still succeed on them."""
        for name in list(self._store.names(self._records)):
            size = name.removeprefix(self._records).partition("-")[0]
            if size.isdecimal() and int(size) < head.size:
                self._store.delete(name)

    def _record(self, head: Head) -> str:
        return f"{self._records}{head.size}-{head.root.hex()[:16]}"

    def _tile(self, edge: Edge, level: int, index: int, width: int) -> bytes:
        if index == edge.size >> (HEIGHT * (level + 1)):
            return edge.tiles[level][: width * HASH_BYTES]
        return self._full(tile_name(level, index))[: width * HASH_BYTES]

    def _bundle(self, edge: Edge, index: int) -> tuple[bytes, ...]:
        if index == edge.size // WIDTH:
            return edge.entries
        return read_bundle(self._full(tile_name(ENTRIES, index)), WIDTH)

    def _full(self, name: str) -> bytes:
        raw = self._store.get(self._public + name)
        if raw is None:
            raise TransportError(f"{name} is missing in the store", hint=RESTORE)
        return raw
