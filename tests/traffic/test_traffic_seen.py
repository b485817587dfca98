import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.traffic import SeenIds
from tocsin.traffic.hashing import hash_strings

IDS = st.text(max_size=20) | st.integers(0, 40).map(str)


@settings(max_examples=150, deadline=None)
@given(batches=st.lists(st.lists(IDS, max_size=30), max_size=12), keep=st.sampled_from([1, 7, 1 << 20]))
def test_seen_ids_tell_what_a_set_tells(spill: Path, batches: list[list[str]], keep: int) -> None:
    known: set[str] = set()
    with SeenIds(spill, keep=keep) as seen:
        for batch in batches:
            expected = []
            for text in batch:
                expected.append(text not in known)
                known.add(text)
            assert seen.add(pa.array(batch, pa.string())).tolist() == expected
    assert list(spill.iterdir()) == []


def test_many_ids_on_disk(spill: Path) -> None:
    rng = np.random.default_rng(7)
    keys = rng.integers(0, 2**63, (2, 1_200_000), np.uint64)
    with SeenIds(spill, keep=40_000) as seen:
        for at in range(0, keys.shape[1], 50_000):
            assert seen.add_keys(keys[:, at : at + 50_000]).all()
        assert len(seen._old) <= 6
        assert sum(run.size for run in seen._old) >= keys.shape[1] - 40_000
        for at in (0, 333_333, 1_190_000):
            assert not seen.add_keys(keys[:, at : at + 5_000]).any()
        assert seen.add_keys(keys[:, :5_000] ^ np.uint64(1)).all()


def test_a_run_asks_its_file_for_few_keys_that_it_has_not(spill: Path) -> None:
    rng = np.random.default_rng(5)
    held, others = rng.integers(0, 2**64, (2, 2, 40_000), np.uint64)
    with SeenIds(spill, keep=10_000) as seen:
        seen.add_keys(held)
        filters = [run.filter for run in seen._old]
    assert np.any([f.may_hold(held) for f in filters], axis=0).all()
    assert max(f.may_hold(others).mean() for f in filters) < 0.05


def test_keys_that_share_their_high_half(spill: Path) -> None:
    lows = np.array([5, 3, 9, 3, 5, 1], np.uint64)
    with SeenIds(spill, keep=2) as seen:
        assert seen.add_keys(np.stack([np.full(6, 8, np.uint64), lows])).tolist() == [
            True,
            True,
            True,
            False,
            False,
            True,
        ]
        again = np.array([9, 2, 1, 2], np.uint64)
        assert seen.add_keys(np.stack([np.full(4, 8, np.uint64), again])).tolist() == [False, True, False, False]


def test_keys_that_share_their_low_half_all_ask_for_one_slot(spill: Path) -> None:
    highs = np.random.default_rng(3).permutation(300).astype(np.uint64)
    keys = np.stack([np.concatenate([highs, highs[::-1]]), np.full(600, 6, np.uint64)])
    with SeenIds(spill) as seen:
        assert seen.add_keys(keys).tolist() == [True] * 300 + [False] * 300
        assert not seen.add_keys(keys[:, 100:400]).any()


def test_hashes_depend_on_every_byte_and_on_nothing_else() -> None:
    rng = random.Random(3)
    texts = {"".join(rng.choice("ab\0钟") for _ in range(rng.randrange(40))) for _ in range(3_000)}
    texts |= {"\0" * n for n in range(30)}
    ordered = sorted(texts)
    hashes = hash_strings(pa.array(ordered), (1, 2))
    assert len({tuple(pair) for pair in hashes.T.tolist()}) == len(ordered)
    assert len(set(hashes[0].tolist())) == len(set(hashes[1].tolist())) == len(ordered)
    sliced = hash_strings(pa.array(["head", *ordered, "tail"]).slice(1, len(ordered)), (1, 2))
    assert (sliced == hashes).all()
    assert (hash_strings(pa.array(ordered), (1, 3))[1] != hashes[1]).all()


@pytest.mark.parametrize("texts", [[], [""], ["", ""]])
def test_hashes_of_nothing(texts: list[str]) -> None:
    assert hash_strings(pa.array(texts, pa.string()), (1, 2)).shape == (2, len(texts))
