"""Keyed fingerprints: the windows of a text that a group of members may compare, and that mean nothing outside it.

Windows are the sketch's: 12 bytes of folded text, hashed by a public hash, which also chooses among them. What is kept
or compared has passed through a keyed function besides (SipHash-2-4), so that without the group's key nobody can try
guessed texts on it. Windows that touch a digit, an address or a name are never kept.

Source: Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF".
"""

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tocsin.text import kernels
from tocsin.text.windows import MIX, WINDOW_BYTES, Hashes, Lines

Places = NDArray[np.int64]

_DOMAIN = r"\b[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,60}){0,4}\.(?:com|cn|org|net|io|gov|edu|info|top|xyz)\b"
_LINK = rf"(?:https?://|www\.)[^ 。、]{{1,200}}|{_DOMAIN}"
_NAME = r"(?:\b(?:mr|mrs|ms|dr|prof|dear|my name is|call me)\b\.? ?[a-z'-]{2,20})"
_STREET = r"(?:\b[a-z'-]{2,20} (?:street|avenue|road|lane|drive|boulevard|st|ave|rd|blvd)\b)"
_NAME_ZH = r"(?:(?:我叫|名叫|姓名 ?[:是]) ?[\u4e00-\u9fff]{2,3}|[\u4e00-\u9fff]{1,2}(?:先生|女士|小姐))"
_STREET_ZH = r"(?:[\u4e00-\u9fff]{2,6}(?:路|街|巷|弄|小区)(?=\d))"
PRIVATE = re.compile(
    rf"\d|{_LINK}|[\w.%+-]{{1,64}} ?@ ?[\w.-]{{0,80}}|{_NAME}|{_STREET}|{_NAME_ZH}|{_STREET_ZH}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Hold the key that the members of a group share; `mark` names it and gives nothing of it away."""

    secret: bytes = field(repr=False)
    mark: int

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """Derive it from the bytes of a key file, at least 16."""
        mark = blake2b(raw, digest_size=8, person=b"tocsin-fp-mark").digest()
        return cls(blake2b(raw, digest_size=16, person=b"tocsin-fp-prf").digest(), int.from_bytes(mark, "little"))

    def keyed(self, hashes: Hashes) -> Hashes:
        """Pass window hashes through the keyed function; 0, which means an empty slot, becomes 1."""
        compiled = kernels.kernels_in_use() != "python"
        words = kernels.siphash([self.secret], hashes)[0] if compiled else siphash(self.secret, hashes)
        return words if words.all() else np.maximum(words, np.uint64(1))


def siphash(key: bytes, words: Hashes) -> Hashes:
    """Give SipHash-2-4 of every word, taken as its 8 little-endian bytes, by array passes: the kernel's stand-in.

    Units: a key is 16 bytes.
    """
    k0, k1 = (np.uint64(int.from_bytes(key[i : i + 8], "little")) for i in (0, 8))
    start = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [np.full(len(words), np.uint64(c) ^ k) for c, k in zip(start, (k0, k1, k0, k1), strict=True)]
    for block in (words, np.uint64(8 << 56)):
        v[3] ^= block
        _rounds(v, 2)
        v[0] ^= block
    v[2] ^= np.uint64(0xFF)
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[Hashes], count: int) -> None:
    for _ in range(count):
        for a, b, turn, whole in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
            v[a] += v[b]
            v[b] = _turned(v[b], turn)
            v[b] ^= v[a]
            if whole:
                v[a] = _turned(v[a], 32)


def _turned(words: Hashes, bits: int) -> Hashes:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def hash_windows(buffer: Lines) -> tuple[Hashes, Places]:
    """Hash all windows of a line; return the hashes, and where each window starts."""
    count = len(buffer) - WINDOW_BYTES + 1
    if count <= 0:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    heads = np.ndarray((count,), dtype="<u8", buffer=buffer, strides=(1,))
    tails = np.ndarray((count,), dtype="<u4", buffer=buffer, offset=8, strides=(1,))
    h = heads * MIX[0]
    h ^= tails.astype(np.uint64) * MIX[1]
    h ^= h >> np.uint64(29)
    h *= MIX[2]
    h ^= h >> np.uint64(32)
    return h, np.arange(count)


def public_windows(line: str) -> tuple[Hashes, Places]:
    """Hash the windows of a folded line that touch no digit, e-mail address, link, name or street."""
    raw = line.encode()
    hashes, places = hash_windows(raw)
    hidden = np.zeros(len(raw) + 1, dtype=np.int64)
    ends = np.concatenate([[0], np.cumsum([len(c.encode()) for c in line], dtype=np.int64)])
    for found in PRIVATE.finditer(line):
        hidden[ends[found.start()] + 1 : ends[found.end()] + 1] = 1
    touched = np.cumsum(hidden)
    keep = touched[places + WINDOW_BYTES] == touched[places]
    return hashes[keep], places[keep]
