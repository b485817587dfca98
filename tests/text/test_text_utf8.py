"""Whether strings are UTF-8: the kernel, its reference and Python say the same of each."""

from itertools import pairwise, product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.text import are_utf8, utf8

C = pytest.importorskip("tocsin.text._kernels", reason="no compiled kernels")
CLONES = [False, True] if C.has_avx2() else [False]
EDGES = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
         0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF]  # fmt: skip
pieces = st.one_of(
    st.text(max_size=90).map(str.encode),
    st.text("plain words, 忽略é😀", max_size=300).map(str.encode),
    st.lists(st.sampled_from(EDGES), max_size=5).map(bytes),
)
strings = st.lists(st.lists(pieces, max_size=4).map(b"".join), max_size=6)


def slowly(data: bytes, offsets: np.ndarray) -> bool:
    """Decode each string by itself."""
    try:
        for start, stop in pairwise(offsets.tolist()):
            data[start:stop].decode()
    except UnicodeDecodeError:
        return False
    return True


def check(data: bytes, offsets: np.ndarray) -> None:
    sound = slowly(data, offsets)
    assert utf8.are_utf8(data, offsets) is sound
    assert [C.are_utf8(data, offsets, avx2) for avx2 in CLONES] == [sound] * len(CLONES)


def ends(parts: list[bytes]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)]).astype(np.int32)


@given(strings, st.integers(0, 3))
def test_all_say_the_same(parts: list[bytes], first: int) -> None:
    check(b"".join(parts), ends(parts)[min(first, len(parts)) :])


@given(st.text("a忽é😀", min_size=1, max_size=200).map(str.encode), st.lists(st.integers(0, 800), max_size=5))
def test_a_character_is_not_cut_in_two(data: bytes, cuts: list[int]) -> None:
    check(data, np.array([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)], dtype=np.int32))


@pytest.mark.parametrize("before", [0, 1, 2, 3, 127, 128, 129, 255, 300])
def test_every_meeting_of_edges_at_any_place(before: int) -> None:
    for length in (1, 2, 3):
        for behind in (b"", b"z" * 140):
            found = [bytes(given) for given in product(EDGES, repeat=length)]
            for meant in found if length < 3 else found[:: 1 if before == 128 else 41]:
                parts = [b"x" * before, meant + behind]
                check(b"".join(parts), ends(parts))


@pytest.mark.parametrize("before", [0, 125, 126, 127, 128])
def test_characters_are_sound_and_surrogates_are_not(before: int) -> None:
    for code in [*range(0x110000)][:: 13 if before == 0 else 997]:
        meant = chr(code).encode(errors="surrogatepass")
        parts = [b"x" * before, meant]
        expected = not 0xD800 <= code < 0xE000
        assert all(C.are_utf8(b"".join(parts), ends(parts), avx2) is expected for avx2 in CLONES), code


@pytest.mark.parametrize("offsets", [[1, 0], [0, 9], [-1, 2], [0, 3, 2]])
@pytest.mark.parametrize("avx2", CLONES)
def test_offsets_that_leave_the_bytes_are_refused(avx2: bool, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        C.are_utf8(b"abc", np.array(offsets, dtype=np.int32), avx2)


def test_arrays_with_nulls_slices_and_nothing() -> None:
    texts = pa.array(["é", None, "", "忽略"])
    assert are_utf8(texts) and are_utf8(texts.slice(1, 2)) and are_utf8(pa.array([], pa.string()))
    assert are_utf8(pa.nulls(3, pa.string()))
    broken = pa.array([b"ok", b"\xff", b"fine"], pa.binary()).cast(pa.string(), safe=False)
    assert not are_utf8(broken) and are_utf8(broken.slice(2)) and are_utf8(broken.slice(0, 1))
