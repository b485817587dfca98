"""Keyed hashes, class sums and votes: the compiled kernels give what their references give."""

from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_strategies import batches

from tocsin.text import WANT_HASHES, WANT_SUMS, classes, fold_batch, probe, script, windows
from tocsin.text.kernels import kernels_in_use
from tocsin.text.siphash import siphash_slowly

C = pytest.importorskip("tocsin.text._kernels", reason="no compiled kernels")
CLONES = [False, True] if C.has_avx2() else [False]
LANES = [*map(int, CLONES), *[2] * C.has_avx512()]
clones = pytest.mark.parametrize("avx2", CLONES)
scans = pytest.mark.parametrize("lanes", LANES)
KEY = bytes(range(16))
VECTORS = [  # of the reference implementation: key 00 to 0f, messages of 0, 1, 2 … bytes 00, 01, 02 …
    "310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785", "b7877127e09427cf",
    "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab", "6224939a79f5f593", "b0e4a90bdf82009e",
]  # fmt: skip
words = st.lists(st.integers(0, (1 << 64) - 1), max_size=20)
keys = st.lists(st.binary(min_size=16, max_size=16), max_size=4)


def test_the_compiled_kernels_are_the_ones_in_use() -> None:
    assert kernels_in_use() == ("c-avx512" if C.has_avx512() else "c-avx2" if C.has_avx2() else "c")


def test_the_reference_gives_the_vector_of_the_paper() -> None:
    assert siphash_slowly(KEY, bytes(range(15))) == 0xA129CA6149BE45E5


@pytest.mark.parametrize("size", range(len(VECTORS)))
def test_the_reference_gives_the_published_vectors(size: int) -> None:
    assert siphash_slowly(KEY, bytes(range(size))).to_bytes(8, "little").hex() == VECTORS[size]


@scans
def test_the_kernel_gives_the_published_vector_of_eight_bytes(lanes: int) -> None:
    assert C.siphash(KEY, bytes(range(8)) * 9, lanes).hex() == VECTORS[8] * 9


@scans
@given(keys, words)
def test_keyed_hashes_are_the_references(lanes: int, keys: list[bytes], words: list[int]) -> None:
    raw = C.siphash(b"".join(keys), np.array(words, dtype=np.uint64), lanes)
    expected = [siphash_slowly(k, w.to_bytes(8, "little")) for k in keys for w in words]
    assert np.frombuffer(raw, np.uint64).tolist() == expected


@scans
@given(
    st.one_of(batches, st.lists(st.text("abc def忽略é9", max_size=500), max_size=4)),
    st.integers(1, 15),
    st.integers(1, 12),
)
def test_class_sums_are_the_references(lanes: int, rows: list[str], features: int, bits: int) -> None:
    folded = fold_batch(pa.array(rows, pa.string()))
    table = np.random.default_rng(bits).integers(-128, 128, (1 << bits, 16)).astype(np.int8)
    starts, hashes, sums = C.scan_lines(folded.buffer, folded.offsets, 16, b"", table, features, lanes)
    expected = classes.class_sums(folded.buffer, folded.offsets, table, features)
    assert sums == expected.tobytes()
    assert (starts, hashes) == tuple(a.tobytes() for a in windows.sample_lines(folded.buffer, folded.offsets, 16))


@scans
@given(st.lists(st.text("abcd 9忽略é、 ", max_size=200), max_size=3), st.integers(0, 70), st.sampled_from("a1忽é \n"))
def test_a_line_is_scanned_alike_wherever_a_word_crosses_a_view(
    lanes: int, rows: list[str], size: int, filler: str
) -> None:
    folded = fold_batch(pa.array([filler * size + row for row in rows], pa.string()))
    table = np.random.default_rng(size).integers(-128, 128, (1 << 9, 16)).astype(np.int8)
    starts, hashes, sums = C.scan_lines(folded.buffer, folded.offsets, -1, b"", table, 15, lanes)
    assert sums == classes.class_sums(folded.buffer, folded.offsets, table, 15).tobytes()
    assert (starts, hashes) == tuple(a.tobytes() for a in windows.sample_lines(folded.buffer, folded.offsets, -1))


@scans
@given(batches, st.integers(0, 255))
def test_what_nobody_asks_of_a_line_is_not_made(lanes: int, rows: list[str], wanted: int) -> None:
    folded = fold_batch(pa.array(rows, pa.string()))
    table = np.random.default_rng(wanted).integers(-128, 128, (1 << 9, 16)).astype(np.int8)
    asked = np.array([wanted >> line % 7 & 3 for line in range(len(folded))], dtype=np.uint8)
    starts, hashes, raw = C.scan_lines(folded.buffer, folded.offsets, -1, asked, table, 15, lanes)
    sampled = windows.sample_lines(folded.buffer, folded.offsets, -1, asked & WANT_HASHES > 0)
    assert (starts, hashes) == tuple(a.tobytes() for a in sampled)
    sums = classes.class_sums(folded.buffer, folded.offsets, table, 15)
    assert np.array_equal(np.frombuffer(raw, np.int32).reshape(-1, 16), sums * (asked & WANT_SUMS > 0)[:, None])


@clones
@given(batches)
def test_scripts_are_counted_as_by_the_reference(avx2: bool, rows: list[str]) -> None:
    folded = fold_batch(pa.array(rows, pa.string()))
    expected = script.count_scripts(folded.buffer, folded.offsets)
    assert C.count_scripts(folded.buffer, folded.offsets, avx2) == tuple(a.tobytes() for a in expected)


@scans
def test_sums_of_long_lines_do_not_overflow(lanes: int) -> None:
    line = b"a b" * 30_000 + b"\n"
    table = np.full((2, 16), -128, dtype=np.int8)
    offsets = np.array([0, len(line)])
    sums = C.scan_lines(line, offsets, 0, b"", table, 15, lanes)[2]
    assert sums == classes.class_sums(line, offsets, table, 15).tobytes()


def alarm_table(lists: dict[int, list[int]], bits: int, need: int, seconds: int) -> probe.AlarmTable:
    """Make a table of six alarms, each with the windows by which it is looked up and one that all lines hold."""
    keys, values = np.zeros(1 << bits, dtype=np.uint64), np.zeros(1 << bits, dtype=np.uint32)
    for number, key in enumerate(lists):
        at = key >> (64 - bits)
        while keys[at]:
            at = (at + 1) % len(keys)
        keys[at], values[at] = key, number
    starts = np.cumsum([0, *map(len, lists.values())]).astype(np.uint32)
    postings = np.array([a for al in lists.values() for a in al], np.uint32)
    own = [[*(key & 0xFFFFFFFF for key, alarms in lists.items() if a in alarms), COMMON] for a in range(6)]
    begin = np.cumsum([0, *map(len, own)]).astype(np.uint32)
    of_alarms = (np.full(6, n, dtype=np.uint8) for n in (need, seconds))
    return probe.AlarmTable(keys, values, starts, postings, *of_alarms, begin, np.array([*chain(*own)], np.uint32))


COMMON = 77
hashes = st.integers(1, 12).map(lambda i: i * 0x1555_5555_5555_5555 & (1 << 64) - 1)
alarms = st.lists(st.integers(0, 5), min_size=1, max_size=5, unique=True).map(sorted)


@scans
@given(
    st.integers(3, 6),
    st.dictionaries(hashes, alarms, max_size=7),
    st.lists(st.lists(st.one_of(hashes, st.integers(0, (1 << 64) - 1)), max_size=9, unique=True), max_size=6),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 6),
)
def test_votes_are_the_references(
    lanes: int, bits: int, lists: dict[int, list[int]], rows: list[list[int]], need: int, seconds: int, most: int
) -> None:
    table, rows = alarm_table(lists, bits, need, seconds), [[*row, COMMON] for row in rows]
    offsets = np.cumsum([0, *map(len, rows)])
    flat = np.array([h for row in rows for h in row], dtype=np.uint64)
    raw = C.probe_vote(*table.arrays, flat, offsets, most, lanes)
    assert (
        np.frombuffer(raw, np.uint64).reshape(-1, 3).tolist() == probe.probe_vote(table, flat, offsets, most).tolist()
    )


@given(st.lists(st.integers(0, 3), max_size=600))
def test_postings_are_counted(postings: list[int]) -> None:
    expected = [min(postings.count(alarm), 255) for alarm in range(4)]
    assert list(C.count_posted(np.array(postings, np.uint32), 4)) == expected


@pytest.mark.parametrize("alarms", [-1, 0, 3])
def test_postings_of_no_alarm_are_refused(alarms: int) -> None:
    with pytest.raises(ValueError, match="alarm table"):
        C.count_posted(np.array([0, 3], np.uint32), alarms)


SOUND = {
    "keys": np.array([0, 1 << 63], np.uint64),
    "values": np.array([0, 0], np.uint32), "starts": np.array([0, 1], np.uint32),
    "postings": np.array([0], np.uint32), "need": np.array([1], np.uint8), "seconds": np.array([1], np.uint8),
    "begin": np.array([0, 1], np.uint32), "windows": np.array([0], np.uint32),
    "hashes": np.array([1 << 63], np.uint64), "offsets": np.array([0, 1]),
}  # fmt: skip
UNSOUND = {
    "slots are no power of two": {"keys": np.zeros(3, np.uint64), "values": np.zeros(3, np.uint32)},
    "too few values": {"values": np.zeros(1, np.uint32)},
    "a value behind the lists": {"values": np.array([0, 1], np.uint32)},
    "a list behind the postings": {"starts": np.array([0, 2], np.uint32)},
    "a falling list": {"starts": np.array([1, 0], np.uint32)},
    "an unknown alarm": {"postings": np.array([1], np.uint32)},
    "too few seconds": {"seconds": np.zeros(0, np.uint8)},
    "too few begins": {"begin": np.array([0], np.uint32)},
    "windows that end before they begin": {"begin": np.array([1, 0], np.uint32)},
    "windows behind the last": {"begin": np.array([0, 2], np.uint32)},
    "too many windows": {"begin": np.array([0, 65], np.uint32), "windows": np.zeros(65, np.uint32)},
    "no starts": {"starts": np.zeros(0, np.uint32)},
    "offsets behind the hashes": {"offsets": np.array([0, 2])},
    "falling offsets": {"offsets": np.array([1, 0])},
}


def test_a_sound_table_answers() -> None:
    assert np.frombuffer(C.probe_vote(*SOUND.values(), 9, 0), np.uint64).tolist() == [0, 0, 1]


def test_a_full_table_ends_the_search() -> None:
    for slots in (2, 16):
        keys = np.arange(5, 5 + slots, dtype=np.uint64)
        full = SOUND | {"keys": keys, "values": np.zeros(slots, np.uint32)}
        assert all(C.probe_vote(*full.values(), 9, lanes) == b"" for lanes in LANES)


@pytest.mark.parametrize("what", UNSOUND)
def test_an_unsound_table_is_refused(what: str) -> None:
    with pytest.raises(ValueError):
        C.probe_vote(*(SOUND | UNSOUND[what]).values(), 9, 0)


@given(
    st.one_of(batches, st.lists(st.text("abc def忽略é9", max_size=500), max_size=4)),
    st.integers(0, 15),
    st.integers(1, 32),
)
def test_listed_rows_are_the_references(rows: list[str], features: int, bits: int) -> None:
    folded = fold_batch(pa.array(rows, pa.string()))
    starts, listed = C.list_rows(folded.buffer, folded.offsets, bits, features)
    expected = classes.list_rows(folded.buffer, folded.offsets, bits, features)
    assert (starts, listed) == tuple(a.tobytes() for a in expected)


@pytest.mark.parametrize("bits", [0, 33, -1])
def test_rows_of_no_table_are_not_listed(bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        C.list_rows(b"a\n", np.array([0, 2]), bits, 15)


@pytest.mark.parametrize("offsets", [[0, 9], [-1, 2], [2, 1], [0, 0]])
def test_rows_of_lines_outside_the_buffer_are_not_listed(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="offsets"):
        C.list_rows(b"a\n", np.array(offsets), 8, 15)
