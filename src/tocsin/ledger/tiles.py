"""Tiles and entry bundles, c2sp.org/tlog-tiles: their names, their forms, and proofs read from them."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from tocsin.forms.errors import FormatError
from tocsin.ledger.merkle import HASH_BYTES, node_hash

WIDTH = 256
HEIGHT = 8
ENTRY_BYTES = 65_535
BUNDLE_BYTES = WIDTH * (2 + ENTRY_BYTES)
TILE_BYTES = WIDTH * HASH_BYTES
ENTRIES = "entries"
_TILE_NAME = re.compile(r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?")
_KEPT_TILES = 512

ReadTile = Callable[[int, int, int], bytes]
"""Gives `width` hashes of the tile at (level, index)."""


def tile_name(level: int | str, index: int, width: int = WIDTH) -> str:
    """Name a tile, or with ENTRIES for a level an entry bundle, as its path below the log's prefix."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + (f".p/{width}" if width < WIDTH else "")


def is_tile_name(name: str) -> bool:
    """Tell whether a path may be that of a tile or bundle: spelled as `tile_name` spells it."""
    if not _TILE_NAME.fullmatch(name):
        return False
    path, partial, width = name.partition(".p/")
    first, *more = path.split("/")[2:]
    return not (more and first == "x000") and not (partial and int(width) >= WIDTH)


def tile_width(level: int, index: int, size: int) -> int:
    """Count the hashes of the tile at (level, index) in a tree of `size` leaves; 0 where it has none."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Name every tile of a tree as (level, index, width), level by level."""
    level = 0
    while width := size >> (HEIGHT * level):
        for index in range(-(-width // WIDTH)):
            yield level, index, tile_width(level, index, size)
        level += 1


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Write entries, each of at most 65,535 bytes, as a bundle."""
    return b"".join(part for entry in entries for part in (len(entry).to_bytes(2, "big"), entry))


def read_bundle(raw: bytes, width: int | None = None) -> tuple[bytes, ...]:
    """Read a bundle; of `width` entries where given.

    Errors: FormatError where it ends inside an entry, or holds more or fewer.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if end > len(raw) or at + 2 > len(raw):
            raise FormatError(f"the bundle ends inside its entry {len(entries)}")
        entries.append(raw[at + 2 : end])
        at = end
    if width is not None and len(entries) != width:
        raise FormatError(f"the bundle holds {len(entries)} entries, need {width}")
    return tuple(entries)


def read_hashes(raw: bytes, width: int) -> list[bytes]:
    """Read the hashes of a tile of `width`.

    Errors: FormatError for any other length.
    """
    if len(raw) != width * HASH_BYTES:
        raise FormatError(f"the tile has {len(raw)} bytes, need {width * HASH_BYTES}")
    return [raw[i : i + HASH_BYTES] for i in range(0, len(raw), HASH_BYTES)]


class TileHashes:
    """Hashes of perfect subtrees, read from the tiles of a tree of `size` leaves; the last tiles used are kept."""

    def __init__(self, read: ReadTile, size: int) -> None:
        self._read = read
        self._size = size
        self._kept: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def __call__(self, height: int, index: int) -> bytes:
        """Give the hash of the perfect subtree of a height and its index at that height.

        Errors: FormatError for a tile of the wrong length; what the reader raises.
        """
        level, above = divmod(height, HEIGHT)
        first = index << above
        return self._tile(level, first // WIDTH)[above][(first % WIDTH) >> above]

    def _tile(self, level: int, index: int) -> list[list[bytes]]:
        """Give the nodes over a tile's hashes, lowest first: computed once, for many proofs pass through a tile."""
        nodes = self._kept.get((level, index))
        if nodes is None:
            width = tile_width(level, index, self._size)
            nodes = self._kept[level, index] = _nodes(read_hashes(self._read(level, index, width), width))
            if len(self._kept) > _KEPT_TILES:
                self._kept.popitem(last=False)
        return nodes


def _nodes(hashes: list[bytes]) -> list[list[bytes]]:
    nodes = [hashes]
    while len(nodes[-1]) > 1:
        below = nodes[-1]
        nodes.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return nodes
