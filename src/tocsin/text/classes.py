"""Hashed class sums: each feature of a line adds a row of 16 small weights. This defines what the kernel computes.

Features: words of ASCII letters and digits, and pairs of them; Han characters, and pairs that stand side by side; byte
n-grams of 3 to 6. A feature's row is named by the upper bits of a hash of its tag and its value.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tocsin.text.windows import MIX, Lines, Positions

LANES = 16
WORDS, HAN, BYTES, PAIRS = 1, 2, 4, 8
_HAN, _HAN_PAIR, _WORD, _WORD_PAIR = 1, 2, 7, 8  # tags; 3 to 6 are byte n-grams
_MASK = (1 << 64) - 1
_A, _B, _C = (int(m) for m in MIX)


def class_sums(buffer: Lines, offsets: Positions, table: NDArray[np.int8], features: int) -> NDArray[np.int32]:
    """Add up the weights of every line's features.

    Shape: the table has 2^b rows (b at least 1) of 16 weights, the result a row of 16 sums a line.
    """
    starts, rows = list_rows(buffer, offsets, len(table).bit_length() - 1, features)
    sums = np.zeros((len(offsets) - 1, LANES), dtype=np.int32)
    for i, (start, stop) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
        sums[i] = table[rows[start:stop]].sum(axis=0, dtype=np.int32)
    return sums


def list_rows(buffer: Lines, offsets: Positions, bits: int, features: int) -> tuple[Positions, NDArray[np.uint32]]:
    """List the rows of a table of 2^bits rows (bits 1 to 32) that every line's features name, repeats included.

    Shape: line i's rows are `rows[starts[i]:starts[i + 1]]`.
    """
    starts, rows = [0], []
    for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        line = buffer[start : stop - 1]
        rows += [_hash(tag, value) >> (64 - bits) for tag, value in features_of(line, features)]
        starts.append(len(rows))
    return np.array(starts, dtype=np.int64), np.array(rows, dtype=np.uint32)


def features_of(line: Lines, features: int) -> Iterator[tuple[int, int]]:
    """Name the features of a folded line as (tag, value)."""
    yield from _words(line, features)
    if features & BYTES:
        for i in range(len(line)):
            for size in range(3, min(6, len(line) - i) + 1):
                yield size, int.from_bytes(line[i : i + size], "little")


def _words(line: Lines, features: int) -> Iterator[tuple[int, int]]:
    word_before, han_before, i = 0, 0, 0
    while i < len(line):
        size = _word_size(line, i)
        if size:
            word = _word(line[i : i + size])
            if features & WORDS:
                yield _WORD, word
            if features & PAIRS and word_before:
                yield _WORD_PAIR, (word_before * _C & _MASK) ^ word
            word_before, han_before = word, 0
        elif _is_han(line, i):
            size, han = 3, int.from_bytes(line[i : i + 3], "little")
            if features & HAN:
                yield _HAN, han
                if han_before:
                    yield _HAN_PAIR, han_before | han << 24
            han_before = han
        else:
            size, han_before = 1, 0
        i += size


def _word_size(line: Lines, start: int) -> int:
    end = start
    while end < len(line) and (0x30 <= line[end] < 0x3A or 0x61 <= line[end] < 0x7B):
        end += 1
    return end - start


def _word(raw: Lines) -> int:
    word = 0
    for i in range(0, len(raw), 8):
        word = ((word ^ int.from_bytes(raw[i : i + 8], "little")) * _B) & _MASK
    return word


def _is_han(line: Lines, at: int) -> bool:
    """Say whether U+3400 to U+9FFF stands there."""
    if len(line) - at < 3:
        return False
    return 0xE4 <= line[at] <= 0xE9 or (line[at] == 0xE3 and line[at + 1] >= 0x90)


def _hash(tag: int, value: int) -> int:
    h = ((value ^ (tag << 56)) * _A) & _MASK
    return ((h ^ (h >> 32)) * _C) & _MASK
