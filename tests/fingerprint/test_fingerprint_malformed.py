"""Anything that is not a bank raises FormatError, and nothing else."""

import json
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fingerprint_texts import alarms_of, text
from hypothesis import given
from hypothesis import strategies as st

from tocsin.forms import FormatError
from tocsin.text.bank import Segment, encode_segment
from tocsin.text.bank_store import create_bank, open_bank

ALARMS = alarms_of({f"a{i}": text("en", Random(i), 20) for i in range(5)})
RAW = b"".join(encode_segment(ALARMS))


def test_parsing_and_encoding_are_each_others_inverse() -> None:
    alarms = Segment.parse(RAW).alarms()
    assert b"".join(encode_segment(alarms)) == RAW
    assert alarms.names == ALARMS.names
    assert np.array_equal(alarms.windows, ALARMS.windows)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_says_the_same_form(at: int, change: int) -> None:
    raw = bytearray(RAW)
    raw[at] ^= change
    _parses_or_is_refused(bytes(raw))


@given(st.integers(0, len(RAW)))
def test_a_cut_is_refused(length: int) -> None:
    if length < len(RAW):
        with pytest.raises(FormatError):
            Segment.parse(RAW[:length])


@given(st.binary(max_size=200))
def test_noise_is_refused(raw: bytes) -> None:
    for piece in (raw, RAW[:8] + raw, RAW[:16] + raw, RAW + raw + b"\0"):
        with pytest.raises(FormatError):
            Segment.parse(piece)


@given(st.lists(st.integers(0, 1 << 64 - 1), min_size=7, max_size=7))
def test_sizes_that_the_bytes_do_not_have_are_refused(sizes: list[int]) -> None:
    raw = RAW[:16] + b"".join((size & ((1 << 64) - 1)).to_bytes(8, "little") for size in sizes) + RAW[72:]
    if raw != RAW:
        with pytest.raises(FormatError):
            Segment.parse(raw)


def test_an_empty_segment_and_numbers_far_out_of_bounds_are_refused() -> None:
    """Neither may make the parser ask for memory beyond the file's own size."""
    with pytest.raises(FormatError):
        Segment.parse(RAW[:16] + bytes(56) + bytes(24))
    raw = bytearray(RAW)
    marks, slots = (int.from_bytes(RAW[16 + 8 * i : 24 + 8 * i], "little") for i in (1, 2))
    filled = next(i for i in range(slots) if any(RAW[72 + 8 * (marks + i) : 80 + 8 * (marks + i)]))
    at = 72 + 8 * (marks + slots) + 4 * filled
    raw[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(FormatError):
        Segment.parse(raw)


def _parses_or_is_refused(raw: bytes) -> None:
    """What parses must be safe to use: every look-up ends, and all alarms unpack."""
    try:
        segment = Segment.parse(raw)
    except FormatError:
        return
    keys = np.concatenate([segment.slots, np.array([1, 1 << 63, (1 << 64) - 1], dtype=np.uint64)])
    segment.postings_of(segment.lists_of(keys[keys != 0]).clip(0), 16)
    assert len(segment.alarms()) == len(segment)


LISTS = [
    b"",
    b"{}",
    b"[]",
    b"\xff",
    b'{"format":"tocsin-fingerprints/2","segments":[]}',
    b'{"format":"tocsin-fingerprints/1","segments":[]}',
    b'{"format":"tocsin-fingerprints/1","segments":[{"file":"../../x","size":1,"alarms":1}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("raw", LISTS, ids=range(len(LISTS)))
def test_a_list_that_is_none_is_refused(tmp_path: Path, raw: bytes) -> None:
    create_bank(tmp_path / "bank", ALARMS)
    (tmp_path / "bank" / "bank.json").write_bytes(raw)
    with pytest.raises(FormatError):
        open_bank(tmp_path / "bank")


CHANGED = [
    {"size": 7},
    {"alarms": 4},
    {"removed": [5]},
    {"removed": [-1]},
    {"removed": [2, 1]},
    {"removed": [1, 1]},
    {"file": "0" * 40 + ".segment/../x"},
    {"file": "bank.json"},
    {"more": 1},
]


@pytest.mark.parametrize("change", CHANGED, ids=map(str, CHANGED))
def test_a_list_that_says_otherwise_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    create_bank(tmp_path / "bank", ALARMS)
    path = tmp_path / "bank" / "bank.json"
    listing = json.loads(path.read_bytes())
    listing["segments"][0] |= change
    path.write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
    with pytest.raises(FormatError):
        open_bank(tmp_path / "bank")


@given(st.integers(0, len(RAW) - 1))
def test_a_damaged_segment_is_refused(at: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        create_bank(Path(folder) / "bank", ALARMS)
        path = next((Path(folder) / "bank").glob("*.segment"))
        raw = bytearray(path.read_bytes())
        raw[at] ^= 1
        path.write_bytes(raw)
        with pytest.raises(FormatError, match="digest"):
            open_bank(Path(folder) / "bank")
