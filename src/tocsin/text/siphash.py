"""SipHash-2-4, the keyed function that makes window hashes mean nothing outside a group: the kernel's reference.

Source: Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF".
"""

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_MASK = (1 << 64) - 1


def siphash_slowly(key: bytes, message: bytes) -> int:
    """Give SipHash-2-4 of a message of any length. Units: a key is 16 bytes."""
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [c ^ k for c, k in zip(_START, (k0, k1, k0, k1), strict=True)]
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        block = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= block
        _rounds(v, 2)
        v[0] ^= block
    v[2] ^= 0xFF
    _rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _rounds(v: list[int], count: int) -> None:
    for _ in range(count):
        for a, b, turn, whole in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
            v[a] = (v[a] + v[b]) & _MASK
            v[b] = _turned(v[b], turn) ^ v[a]
            if whole:
                v[a] = _turned(v[a], 32)


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (64 - bits)) & _MASK
