"""The bench's alarms: fast fingerprints are those that `thin` makes, and the texts are the same for the same seed."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from alarms import KIND, LEAST_BYTES, TEMPLATES, Noise, fingerprints_of, templates
from tocsin.text import Crowd, GroupKey, Hashes, common_windows, fold_batch, join, thin
from tocsin.text.bank import Fingerprints, encode_segment

KEY = GroupKey.of(b"the key of the tests of the bench")
NOTHING = np.empty(0, dtype=np.uint64)


@pytest.fixture(scope="module")
def noise() -> pa.Array:
    return Noise().texts(np.random.default_rng(5), 300)


def one_by_one(texts: pa.Array, names: list[str], benign: Hashes) -> Fingerprints:
    folded, found = fold_batch(texts), []
    for row, name in enumerate(names):
        crowd = Crowd()
        crowd.add(folded.line(row), ["a", "b", "c"])
        found.append(thin(crowd, benign, name, KIND, KEY))
    return join(found)


@pytest.mark.parametrize("known", [False, True])
def test_fast_fingerprints_are_those_of_thin(noise: pa.Array, known: bool) -> None:
    names = [f"n{i:03}" for i in range(len(noise))]
    folded = fold_batch(noise)
    lines = [folded.line(i) for i in range(0, len(noise), 2)]
    benign = common_windows([*lines, *(line[:40] + "." for line in lines)]) if known else NOTHING
    fast = fingerprints_of(noise, names, benign, KEY)
    slow = one_by_one(noise, names, benign)
    assert b"".join(encode_segment(fast)) == b"".join(encode_segment(slow))
    assert known == (len(benign) > 1000)


@pytest.mark.minutes
def test_templates_are_the_same_for_the_same_seed() -> None:
    ours = templates(3)
    assert ours == templates(3)
    assert ours != templates(4)
    assert {lang: sum(n.startswith(lang) for n in ours) for lang in TEMPLATES} == TEMPLATES
    assert len(set(ours.values())) == len(ours)
    assert min(len(t.encode()) for t in ours.values()) >= LEAST_BYTES


def test_noise_is_in_both_languages(noise: pa.Array) -> None:
    lines = noise.to_pylist()
    assert sum(line.isascii() for line in lines) == 210
    assert 180 < np.mean([len(line.encode()) for line in lines]) < 320
