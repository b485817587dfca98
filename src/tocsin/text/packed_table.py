"""The fold table as the kernel reads it: pages of entries, and the longer foldings as counted UTF-8 strings.

An entry is 32 bits: `SELF` if the code point folds to itself; `POOLED` with the place of a counted string; otherwise up
to three bytes of UTF-8, the first in the lowest byte, and their number in bits 24 and 25. `LOOKS_ALIKE` is beside any.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from tocsin.text.table import fold_table

SELF, LOOKS_ALIKE, POOLED = 1 << 28, 1 << 27, 1 << 26
_LATIN = (range(0x80, 0x250), range(0x1E00, 0x1F00))  # accented letters, which nobody takes for a disguise


@dataclass(frozen=True, slots=True)
class PackedTable:
    """Hold the packed table. Shape: the entry of code point c is `entries[pages[c >> 8], c & 255]`."""

    pages: NDArray[np.uint16]
    entries: NDArray[np.uint32]
    pool: bytes


@cache
def packed_table() -> PackedTable:
    """Pack the shipped table; pages in which nothing changes share one."""
    table = fold_table()
    entry = np.full(len(table.code), SELF, dtype=np.uint32)
    pool = bytearray()
    for code, folded in changed().items():
        entry[code] = _entry(code, folded, pool)
    by_page = entry.reshape(-1, 256)
    used = np.flatnonzero((by_page != SELF).any(axis=1))
    pages = np.zeros(len(by_page), dtype=np.uint16)
    pages[used] = np.arange(1, len(used) + 1)
    return PackedTable(pages, np.concatenate([np.full((1, 256), SELF, dtype=np.uint32), by_page[used]]), bytes(pool))


@cache
def changed() -> Mapping[int, str]:
    """Give the code points that do not fold to themselves, and what they fold to."""
    table = fold_table()
    same = (table.length == 1) & (table.code == np.arange(len(table.code)))
    return {code: table.of(chr(code)) for code in np.flatnonzero(~same).tolist()}


@cache
def not_folding_to_one() -> frozenset[str]:
    """List the characters that fold to nothing or to several."""
    odd = np.flatnonzero(fold_table().length != 1)
    return frozenset(map(chr, odd.tolist()))


@lru_cache(maxsize=16_384)
def fold_alone(char: str) -> str:
    """Give what one character folds to by itself."""
    return fold_table().of(char)


def folding_to(pattern: str, last: int = sys.maxunicode) -> str:
    """List the code points, up to a last one, whose folding holds a match of a pattern that matches single
    characters.
    """
    wanted, codes = re.compile(pattern), np.delete(np.arange(last + 1, dtype=np.uint32), slice(0xD800, 0xE000))
    own = set(wanted.findall(codes.tobytes().decode("utf-32-le")))
    others = {chr(code): folded for code, folded in changed().items() if code <= last}
    return "".join(sorted(own.difference(others) | {c for c, folded in others.items() if wanted.search(folded)}))


def folding_within(allowed: str) -> str:
    """List the code points whose folding holds nothing but these characters, and those that fold to nothing."""
    wanted, others = set(allowed), {chr(code): folded for code, folded in changed().items()}
    return "".join(sorted(wanted.difference(others) | {c for c, folded in others.items() if wanted.issuperset(folded)}))


def looks_alike(code: int, folded: str) -> bool:
    """Say whether a character that is no Latin letter folds to text with plain letters or digits."""
    plain = any(c.isascii() and c.isalnum() for c in folded)
    return plain and code >= 0x80 and not any(code in block for block in _LATIN)


def _entry(code: int, folded: str, pool: bytearray) -> int:
    raw = folded.encode()
    alike = LOOKS_ALIKE if looks_alike(code, folded) else 0
    if len(raw) <= 3:
        return alike | len(raw) << 24 | int.from_bytes(raw, "little")
    pool.extend((len(raw), *raw))
    return alike | POOLED | len(pool) - len(raw) - 1
