"""Make proofs from the hashes of perfect subtrees, wherever those come from."""

from collections.abc import Callable

from tocsin.ledger.merkle import fold_peaks, is_subtree, left_size, peaks

Hashes = Callable[[int, int], bytes]
"""Gives the hash of the perfect subtree of a height and its index at that height."""


def root_of(hashes: Hashes, start: int, end: int) -> bytes:
    """Compute the root of a subtree; of [0, 0), that of the empty tree."""
    return fold_peaks([hashes(height, index) for height, index in peaks(start, end)])


def prove_inclusion(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """Prove that leaf `index` belongs to the tree of `size` leaves (RFC 6962, Section 2.1.1)."""
    return prove_subtree(hashes, index, index + 1, size)


def prove_consistency(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """Prove that the tree of `old` leaves is the beginning of that of `new` (RFC 6962, Section 2.1.2); 0 < old."""
    return prove_subtree(hashes, 0, old, new)


def prove_subtree(hashes: Hashes, start: int, end: int, size: int) -> list[bytes]:
    """Prove that [start, end) is a subtree of the tree of `size` leaves (draft-ietf-plants-merkle-tree-certs, 4.4)."""
    if not (is_subtree(start, end) and end <= size):
        raise ValueError(f"leaves {start} to {end} are no subtree of a tree of {size} leaves")
    return _prove(hashes, start, end, 0, size, True)


def _prove(hashes: Hashes, start: int, end: int, low: int, high: int, known: bool) -> list[bytes]:
    """Prove [start, end) in the subtree [low, high)."""
    if (start, end) == (low, high):
        return [] if known else [root_of(hashes, low, high)]
    middle = low + left_size(high - low)
    if end <= middle:
        return [*_prove(hashes, start, end, low, middle, known), root_of(hashes, middle, high)]
    if middle <= start:
        return [*_prove(hashes, start, end, middle, high, known), root_of(hashes, low, middle)]
    return [*_prove(hashes, middle, end, middle, high, False), root_of(hashes, low, middle)]
