"""Trees and proofs: as the slow reference makes them, and refused when anything of them is changed."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_reference import mth, path, proof
from ledger_worlds import Branch, entries

from tocsin.forms.errors import VerificationError
from tocsin.ledger.merkle import (
    EMPTY_ROOT,
    is_subtree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
    verify_subtree,
)
from tocsin.ledger.prove import prove_consistency, prove_inclusion, prove_subtree, root_of

LEAVES = entries(300)
TREE = Branch(tuple(LEAVES))
SIZES = st.integers(1, 300)


@settings(max_examples=150)
@given(size=SIZES, data=st.data())
def test_proofs_are_those_of_the_reference(size: int, data: st.DataObject) -> None:
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert prove_inclusion(TREE.hashes, index, size) == path(index, LEAVES[:size])
    assert prove_consistency(TREE.hashes, old, size) == proof(old, LEAVES[:size])
    root = mth(LEAVES[:size])
    assert root_of(TREE.hashes, 0, size) == TREE.root(size) == root
    verify_inclusion(index, size, leaf_hash(LEAVES[index]), path(index, LEAVES[:size]), root)
    verify_consistency(old, size, proof(old, LEAVES[:size]), mth(LEAVES[:old]), root)


@pytest.mark.parametrize("size", [*range(1, 34), 255, 256, 257])
def test_every_subtree_of_a_tree_is_proved(size: int) -> None:
    root = mth(LEAVES[:size])
    for start in range(0, size, 1 if size < 34 else 16):
        for end in range(start + 1, size + 1):
            if is_subtree(start, end):
                made = prove_subtree(TREE.hashes, start, end, size)
                verify_subtree(start, end, size, made, mth(LEAVES[start:end]), root)


def test_what_is_no_subtree() -> None:
    odd = [(1, 3), (2, 5), (4, 13), (8, 8), (-1, 0), (6, 10)]
    assert [pair for pair in odd if is_subtree(*pair)] == []
    assert all(is_subtree(*pair) for pair in [(0, 300), (4, 8), (8, 13), (7, 8), (256, 300)])
    with pytest.raises(ValueError, match="no subtree"):
        prove_subtree(TREE.hashes, 1, 3, 8)


Change = Callable[[list[bytes]], list[bytes]]
CHANGES: dict[str, Change] = {
    "nothing before": lambda p: p[1:],
    "nothing behind": lambda p: p[:-1],
    "garbage before": lambda p: [b"\0" * 32, *p],
    "garbage behind": lambda p: [*p, b"\0" * 32],
    "an empty hash behind": lambda p: [*p, b""],
    "a short hash": lambda p: [p[0][:31], *p[1:]],
    "a bit": lambda p: [*p[:-1], bytes([p[-1][0] ^ 1]) + p[-1][1:]],
    "no proof": lambda _: [],
    "the order": lambda p: [*p[1:], p[0]] if len(p) > 1 else [p[0][::-1]],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("index", "size"), [(0, 8), (5, 8), (2, 3), (1, 5), (299, 300), (128, 129)])
def test_a_changed_inclusion_proof_is_refused(index: int, size: int, change: str) -> None:
    changed = CHANGES[change](prove_inclusion(TREE.hashes, index, size))
    with pytest.raises(VerificationError):
        verify_inclusion(index, size, leaf_hash(LEAVES[index]), changed, TREE.root(size))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("old", "size"), [(1, 8), (6, 8), (2, 5), (6, 7), (4, 8), (255, 300), (256, 257)])
def test_a_changed_consistency_proof_is_refused(old: int, size: int, change: str) -> None:
    changed = CHANGES[change](prove_consistency(TREE.hashes, old, size))
    with pytest.raises(VerificationError):
        verify_consistency(old, size, changed, TREE.root(old), TREE.root(size))


RANDOM = bytes(range(32))
INCLUSION_PROBES = [
    # index, size, leaf, root: what a careless verifier accepts
    (0, 0, RANDOM, RANDOM), (0, 0, RANDOM, EMPTY_ROOT), (0, 0, b"", b""), (0, 1, b"", b""), (0, 1, b"", RANDOM),
    (0, 1, RANDOM, b""), (1, 1, RANDOM, RANDOM), (2, 1, RANDOM, RANDOM), (-1, 1, RANDOM, RANDOM),
    (1, 0, RANDOM, RANDOM), (2**63, 1, RANDOM, RANDOM), (0, 2, RANDOM, RANDOM), (1, 2, RANDOM, RANDOM),
]  # fmt: skip


@pytest.mark.parametrize("probe", INCLUSION_PROBES)
def test_an_inclusion_that_says_nothing_is_refused(probe: tuple[int, int, bytes, bytes]) -> None:
    index, size, leaf, root = probe
    with pytest.raises(VerificationError):
        verify_inclusion(index, size, leaf, [], root)


@pytest.mark.parametrize("place", [(1, 3, 8), (0, 9, 8), (8, 8, 8)])
def test_what_is_no_subtree_of_the_tree_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(VerificationError, match="no subtree"):
        verify_subtree(*place, [], RANDOM, RANDOM)


def test_the_only_leaf_is_its_own_root() -> None:
    verify_inclusion(0, 1, RANDOM, [], RANDOM)
    with pytest.raises(VerificationError):
        verify_inclusion(0, 1, RANDOM, [], RANDOM[::-1])


CONSISTENCY_PROBES = [
    # old, new, proof, old root, new root
    (0, 0, [], EMPTY_ROOT, EMPTY_ROOT), (0, 1, [], EMPTY_ROOT, RANDOM), (0, 1, [], RANDOM, RANDOM),
    (0, 0, [RANDOM], b"", b""), (1, 1, [], b"", b""), (1, 1, [RANDOM], RANDOM, RANDOM),
    (1, 1, [], RANDOM, RANDOM[::-1]),
    (2, 1, [], RANDOM, RANDOM), (1, 0, [], RANDOM, EMPTY_ROOT), (1, 2, [], RANDOM, RANDOM),
    (1, 2, [], RANDOM, RANDOM[::-1]), (-1, 1, [], RANDOM, RANDOM),
]  # fmt: skip


@pytest.mark.parametrize("probe", CONSISTENCY_PROBES)
def test_a_consistency_that_says_nothing_is_refused(probe: tuple[int, int, list[bytes], bytes, bytes]) -> None:
    with pytest.raises(VerificationError):
        verify_consistency(*probe)


def test_a_tree_is_consistent_with_itself() -> None:
    verify_consistency(1, 1, [], RANDOM, RANDOM)


@settings(max_examples=100)
@given(size=st.integers(2, 300), other=st.integers(1, 300), data=st.data())
def test_a_proof_for_one_place_proves_no_other(size: int, other: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    wrong = (index + other) % size
    made, leaf = prove_inclusion(TREE.hashes, index, size), leaf_hash(LEAVES[index])
    if wrong != index:
        with pytest.raises(VerificationError):
            verify_inclusion(wrong, size, leaf, made, TREE.root(size))
