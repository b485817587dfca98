"""The keyed function is SipHash-2-4."""

import numpy as np
from fingerprint_texts import KEY, OTHER
from hypothesis import given
from hypothesis import strategies as st

from tocsin.text.fingerprint import siphash

MASK = (1 << 64) - 1
WORD = st.integers(0, MASK)


def turned(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & MASK


def plain(key: bytes, word: int) -> int:
    """SipHash-2-4 of eight bytes, as the paper writes it."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    a, b, c, d = 0x736F6D6570736575 ^ k0, 0x646F72616E646F6D ^ k1, 0x6C7967656E657261 ^ k0, 0x7465646279746573 ^ k1

    def step() -> None:
        nonlocal a, b, c, d
        a, c = (a + b) & MASK, (c + d) & MASK
        b, d = turned(b, 13) ^ a, turned(d, 16) ^ c
        a = turned(a, 32)
        c, a = (c + b) & MASK, (a + d) & MASK
        b, d = turned(b, 17) ^ c, turned(d, 21) ^ a
        c = turned(c, 32)

    for block in (word, 8 << 56):
        d ^= block
        step(), step()
        a ^= block
    c ^= 0xFF
    step(), step(), step(), step()
    return a ^ b ^ c ^ d


def test_the_papers_vector() -> None:
    word = np.array([int.from_bytes(bytes(range(8)), "little")], dtype=np.uint64)
    assert int(siphash(bytes(range(16)), word)[0]) == 0x93F5F5799A932462


@given(st.binary(min_size=16, max_size=16), st.lists(WORD, max_size=20))
def test_array_passes_equal_the_plain_function(key: bytes, words: list[int]) -> None:
    assert siphash(key, np.array(words, dtype=np.uint64)).tolist() == [plain(key, w) for w in words]


def test_a_key_shows_itself_nowhere() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)
    assert KEY.mark != OTHER.mark
