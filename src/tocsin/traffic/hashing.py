"""Hash many strings at once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_STIR = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def hash_strings(texts: pa.Array, seeds: tuple[int, int]) -> Words:
    """Return 128 bits for each string of a string array without nulls: shape (2, n).

    Not cryptographic: with seeds nobody knows, two different strings share a hash with chance 2^-128.
    """
    data, starts, lengths = _bytes(texts)
    words = np.ndarray((max(len(data) - 7, 0),), "<u8", buffer=data, strides=(1,))  # a word at every byte
    length = lengths.astype(np.uint64)
    states = [_mix(length * odd + np.uint64(seed)) for odd, seed in zip(_ODD, seeds, strict=True)]
    for at in range(0, int(lengths.max(initial=0)), 8):
        live = np.flatnonzero(lengths > at)
        spare = np.maximum(8 - (lengths[live] - at), 0).astype(np.uint64) * np.uint64(8)
        word = words[starts[live] + at] << spare
        for state, odd in zip(states, _ODD, strict=True):
            state[live] = _mix((state[live] ^ word) * odd)
    return np.stack(states)


def _bytes(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the bytes, with eight to spare, and where each string starts and how long it is."""
    _, offsets, data = texts.buffers()
    at = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    first, last = (int(at[0]), int(at[-1])) if len(at) else (0, 0)
    padded = np.zeros(last - first + 8, np.uint8)
    if last > first:
        padded[:-8] = np.frombuffer(data, np.uint8)[first:last]
    return padded, at[:-1] - first, np.diff(at)


def _mix(word: Words) -> Words:
    word = (word ^ (word >> np.uint64(32))) * _STIR[0]
    word = (word ^ (word >> np.uint64(29))) * _STIR[1]
    return word ^ (word >> np.uint64(32))
