"""The compiled kernels give what their references give, and refuse what leaves their buffers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_strategies import batches, texts

from tocsin.text import fold_arrays, fold_slowly, windows
from tocsin.text.derive import BASE64, BASE64_RUN, SPACED, SPACED_RUN
from tocsin.text.fold_arrays import line_offsets
from tocsin.text.packed_table import packed_table

C = pytest.importorskip("tocsin.text._kernels", reason="no compiled kernels")
CLONES = [False, True] if C.has_avx2() else [False]
TABLE = packed_table()
clones = pytest.mark.parametrize("avx2", CLONES)
scans = pytest.mark.parametrize("lanes", [*range(1 + C.has_avx2() + C.has_avx512())])
long_texts = st.builds(
    lambda parts, times: "".join(parts) * times,
    st.lists(st.one_of(texts, st.text(st.sampled_from("abc DEF\n,忽略é"), max_size=70)), max_size=5),
    st.integers(1, 6),
)
rows = st.one_of(batches, st.lists(long_texts, max_size=5))


def arrow(rows: list[str], start: int = 0, length: int | None = None) -> tuple[Any, pa.Array]:
    texts = pa.array(rows, pa.string()).slice(start, length)
    _, offsets, data = texts.buffers()
    at = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return (data or b"", at), texts


def compiled_fold(data: Any, offsets: Any, avx2: bool) -> tuple[bytes, list[int], list[int]]:
    buffer, starts, flags = C.fold_join(data, offsets, TABLE.pages, TABLE.entries, TABLE.pool, avx2)
    return buffer, np.frombuffer(starts, np.int64).tolist(), list(flags)


def reference_fold(texts: pa.Array) -> tuple[bytes, list[int], list[int]]:
    buffer, starts, flags = fold_arrays.fold_join(texts)
    return buffer, starts.tolist(), flags.tolist()


@clones
@given(rows, st.integers(0, 4), st.integers(0, 8))
def test_a_slice_folds_as_the_reference_folds_it(avx2: bool, rows: list[str], start: int, length: int) -> None:
    buffers, texts = arrow(rows, start, length)
    assert compiled_fold(*buffers, avx2) == reference_fold(texts)


@clones
def test_every_code_point_folds_as_the_table_says(avx2: bool) -> None:
    every = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    buffers, texts = arrow([*every, "".join(every), "x".join(every)])
    assert compiled_fold(*buffers, avx2) == reference_fold(texts)


@clones
@pytest.mark.parametrize("before", range(66))
def test_what_is_not_plain_is_seen_wherever_it_stands_in_a_block(avx2: bool, before: int) -> None:
    rows = [
        "a" * before + odd + "Z" * 70 for odd in ("  ", " \n", "é", "忽", "\x00", "\x7f", "\t", "\u200b", "\U0001f600")
    ]
    buffers, _ = arrow(rows)
    assert compiled_fold(*buffers, avx2)[0].decode().split("\n") == [*map(fold_slowly, rows), ""]


@clones
@given(long_texts, st.integers(0, 130))
def test_flags_say_what_the_patterns_say(avx2: bool, text: str, before: int) -> None:
    spaced, coded = "x" * before + " i g n o r e " + text, text + " " * before + "aGVsbG8gd29ybGQgYW5kIGFsbA"
    buffers, _ = arrow([text, spaced, coded])
    _, _, flags = compiled_fold(*buffers, avx2)
    for row, told in zip([text, spaced, coded], flags, strict=True):
        assert bool(told & SPACED) == bool(SPACED_RUN.search(fold_slowly(row)))
        assert bool(told & BASE64) == bool(BASE64_RUN.search(row))


@clones
@pytest.mark.parametrize("size", [23, 24])
def test_a_base64_run_is_as_long_wherever_it_stands(avx2: bool, size: int) -> None:
    rows = [" " * before + "Aa0+/_-z" * 3 for before in range(140)]
    rows = [row[: len(row) - 24 + size] + tail for row in rows for tail in ("", " ", "=", "忽" * 30)]
    _, _, flags = compiled_fold(*arrow(rows)[0], avx2)
    assert [bool(flag & BASE64) for flag in flags] == [size == 24] * len(rows)


@clones
@pytest.mark.parametrize(
    "run", ["a.b.c.d.e", "忽、略、所、有、了", "忽、。·略a", "a···b、、、c...d•••e", "忽、。•略、。•a、。•所、。•b"]
)
def test_a_spaced_run_is_seen_wherever_it_stands(avx2: bool, run: str) -> None:
    pads = [pad * before + "," for before in range(70) for pad in ("x", "了", ". ")]
    rows = [before + run[cut:] + tail for before in pads for tail in ("", ".", "x", "了", ".." * 40) for cut in (0, 1)]
    _, _, flags = compiled_fold(*arrow(rows)[0], avx2)
    assert [bool(flag & SPACED) for flag in flags] == [bool(SPACED_RUN.search(fold_slowly(row))) for row in rows]


@clones
def test_a_text_that_grows_most_fits(avx2: bool) -> None:
    buffers, texts = arrow(["\ufdfa" * 20_000, "", "\ufdfa"])
    assert compiled_fold(*buffers, avx2) == reference_fold(texts)


@scans
@given(rows, st.sampled_from([-1, 1, 3, 16]), st.integers(0, 3), st.integers(0, 255))
def test_sampled_hashes_are_the_references(lanes: int, rows: list[str], kept: int, cut: int, lines: int) -> None:
    buffer, offsets, _ = fold_arrays.fold_join(arrow(rows)[1])
    offsets = offsets[min(cut, len(offsets) - 1) :]
    asked = np.array([lines >> line % 8 & 1 for line in range(len(offsets) - 1)], dtype=bool)
    starts, hashes, _ = C.scan_lines(buffer, offsets, kept, asked, b"", 0, lanes)
    expected_starts, expected = windows.sample_lines(buffer, offsets, kept, asked)
    assert np.frombuffer(starts, np.int64).tolist() == expected_starts.tolist()
    assert np.frombuffer(hashes, np.uint64).tolist() == expected.tolist()


@scans
@pytest.mark.parametrize("size", [11, 12, 13, 1035, 1036, 1 << 20])
def test_lines_of_any_length_are_sampled(lanes: int, size: int) -> None:
    buffer = np.random.default_rng(size).integers(32, 127, size, dtype=np.uint8).tobytes() + b"\n"
    for kept in (16, -1):
        starts, hashes, _ = C.scan_lines(buffer, line_offsets(buffer), kept, b"", b"", 0, lanes)
        expected_starts, expected = windows.sample_lines(buffer, line_offsets(buffer), kept)
        assert (starts, hashes) == (expected_starts.tobytes(), expected.tobytes())


def offsets(*at: int, kind: type = np.int32) -> Any:
    return np.array(at, dtype=kind)


def fold_with(**changed: Any) -> Callable[[], object]:
    given = {
        "data": b"some text",
        "offsets": offsets(0, 9),
        "pages": TABLE.pages,
        "entries": TABLE.entries,
        "pool": TABLE.pool,
    }
    return lambda: C.fold_join(*(given | changed).values(), True)


UNSOUND = {
    "no offsets": fold_with(offsets=b""),
    "offsets of odd bytes": fold_with(offsets=b"123"),
    "offsets not aligned": fold_with(offsets=memoryview(bytes(9))[1:]),
    "an offset behind the data": fold_with(offsets=offsets(0, 10)),
    "an offset before the data": fold_with(offsets=offsets(-1, 3)),
    "falling offsets": fold_with(offsets=offsets(5, 3)),
    "a cut character": fold_with(data="忽".encode(), offsets=offsets(0, 2)),
    "a surrogate": fold_with(data=b"\xed\xa0\x80", offsets=offsets(0, 3)),
    "an overlong character": fold_with(data=b"\xe0\x80\x80", offsets=offsets(0, 3)),
    "a code point too high": fold_with(data=b"\xf4\x90\x80\x80", offsets=offsets(0, 4)),
    "a bare continuation": fold_with(data=b"\x80", offsets=offsets(0, 1)),
    "too few pages": fold_with(pages=TABLE.pages[:-1]),
    "a page without entries": fold_with(entries=TABLE.entries[:-1]),
    "another table for ASCII": fold_with(entries=np.zeros_like(TABLE.entries)),
    "a pool cut short": fold_with(pool=TABLE.pool[:4], data="㌖".encode(), offsets=offsets(0, 3)),
    "no line end": lambda: C.scan_lines(b"abc", offsets(0, 0, kind=np.int64), 1, b"", b"", 0, True),
    "a line behind the buffer": lambda: C.scan_lines(b"abc", offsets(0, 4, kind=np.int64), 1, b"", b"", 0, True),
    "a line before the buffer": lambda: C.scan_lines(b"abc", offsets(-1, 2, kind=np.int64), 1, b"", b"", 0, True),
    "a mask of fewer lines": lambda: C.scan_lines(b"a\nb\n", offsets(0, 2, 4, kind=np.int64), 1, b"\1", b"", 0, True),
    "an odd class table": lambda: C.scan_lines(b"a\n", offsets(0, 2, kind=np.int64), 0, b"", bytes(48), 7, True),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_what_leaves_its_buffer_is_refused(what: str) -> None:
    with pytest.raises(ValueError):
        UNSOUND[what]()
