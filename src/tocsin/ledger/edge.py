"""The right edge of a growing tree: what is not yet in a full tile. All that appending needs to know."""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.forms.errors import FormatError
from tocsin.ledger.merkle import HASH_BYTES, fold_peaks, leaf_hash, peaks, perfect_root
from tocsin.ledger.tiles import ENTRIES, HEIGHT, TILE_BYTES, WIDTH, read_bundle, read_hashes, write_bundle


@dataclass(frozen=True)
class Edge:
    """The partial hash tile of each level, lowest first, and the entries of the partial bundle."""

    tiles: tuple[bytes, ...] = ()
    entries: tuple[bytes, ...] = ()

    @property
    def size(self) -> int:
        """Count the leaves of the tree."""
        return sum(len(tile) // HASH_BYTES << (HEIGHT * level) for level, tile in enumerate(self.tiles))

    def root(self) -> bytes:
        """Compute the root of the tree."""
        found: list[bytes] = []
        for tile in reversed(self.tiles):
            hashes = read_hashes(tile, len(tile) // HASH_BYTES)
            for height, index in peaks(0, len(hashes)):
                found.append(perfect_root(hashes[index << height : (index + 1) << height]))
        return fold_peaks(found)


Place = tuple[int | str, int]
"""Where a tile or bundle stands: its level, or ENTRIES, and its index."""


@dataclass(frozen=True)
class Growth:
    """The edge after some entries, and the tiles and bundles that they filled, in the order of their filling."""

    edge: Edge
    full: dict[Place, bytes]


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """Append entries: the slow part is one hash an entry and one a node."""
    size = edge.size
    full: dict[Place, bytes] = {}
    tiles = [bytearray(tile) for tile in edge.tiles]
    waiting = list(edge.entries)
    for entry in entries:
        waiting.append(entry)
        _push(tiles, 0, leaf_hash(entry), size, full)
        size += 1
        if size % WIDTH == 0:
            full[ENTRIES, size // WIDTH - 1] = write_bundle(waiting)
            waiting = []
    return Growth(Edge(tuple(map(bytes, tiles)), tuple(waiting)), full)


def _push(tiles: list[bytearray], level: int, node: bytes, index: int, full: dict[Place, bytes]) -> None:
    """Add the hash that has `index` at its level; a tile that it fills goes out, and its root one level up."""
    if level == len(tiles):
        tiles.append(bytearray())
    tiles[level] += node
    if len(tiles[level]) == TILE_BYTES:
        tile = bytes(tiles[level])
        full[level, index // WIDTH] = tile
        tiles[level] = bytearray()
        _push(tiles, level + 1, perfect_root(read_hashes(tile, WIDTH)), index // WIDTH, full)


def write_record(edge: Edge, entries: Sequence[bytes]) -> bytes:
    """Write an edge and the entries that come after it: enough to make anew all that they fill."""
    head = edge.size.to_bytes(8, "big")
    return b"".join((head, *edge.tiles, write_bundle(edge.entries), write_bundle(entries)))


def read_record(raw: bytes) -> tuple[Edge, tuple[bytes, ...]]:
    """Read what `write_record` wrote.

    Errors: FormatError.
    """
    size, at, tiles = int.from_bytes(raw[:8], "big"), 8, []
    level = 0
    while len(raw) >= 8 and size >> (HEIGHT * level):
        end = at + HASH_BYTES * ((size >> (HEIGHT * level)) % WIDTH)
        tiles.append(raw[at:end])
        at, level = end, level + 1
    entries = read_bundle(raw[at:])
    edge = Edge(tuple(tiles), entries[: size % WIDTH])
    if at > len(raw) or len(raw) < 8 or edge.size != size or len(edge.entries) != size % WIDTH:
        raise FormatError(f"the record of {len(raw)} bytes is cut short")
    return edge, entries[size % WIDTH :]
