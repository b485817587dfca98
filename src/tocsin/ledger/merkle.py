"""Merkle trees of RFC 6962: hashes, and the check of every proof.

Inclusion and consistency are two cases of one proof, that a subtree belongs to a tree: the subtree is one leaf, or it
begins at the first (draft-ietf-plants-merkle-tree-certs, Section 4). So one short walk checks all three.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from tocsin.forms.errors import VerificationError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
MOST_PROOF = 63
"""Hashes in a proof; no tree of fewer than 2^63 leaves needs more."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry (RFC 6962, Section 2.1)."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into their parent (RFC 6962, Section 2.1)."""
    return sha256(b"\1" + left + right).digest()


def left_size(size: int) -> int:
    """Count the leaves of the left child of a tree of two leaves or more: the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def peaks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Name the perfect subtrees of [start, end) as (height, index at that height), from the left.

    `start` is aligned as in every subtree: a multiple of the smallest power of two not below end - start.
    """
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def fold_peaks(hashes: Sequence[bytes]) -> bytes:
    """Hash the perfect subtrees of a tree, given from the left, into its root."""
    root = hashes[-1] if hashes else EMPTY_ROOT
    for peak in reversed(hashes[:-1]):
        root = node_hash(peak, root)
    return root


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Hash a power of two of nodes into their common root."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def is_subtree(start: int, end: int) -> bool:
    """Tell whether [start, end) is a node of some tree: `start` is a multiple of a power of two that covers it."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash stands at `index` in the tree of `size` leaves with `root` (RFC 6962, Section 2.1.1).

    Errors: VerificationError.
    """
    if not 0 <= index < size:
        raise VerificationError(f"index {index} is outside of a tree of {size} leaves")
    verify_subtree(index, index + 1, size, proof, leaf, root)


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of `old` leaves is the beginning of the tree of `new` leaves (RFC 6962, Section 2.1.2).

    A proof from the empty tree says nothing and is refused: who accepts it must do so knowingly.
    Errors: VerificationError.
    """
    if not 0 < old <= new:
        raise VerificationError(f"no proof leads from {old} leaves to {new}")
    verify_subtree(0, old, new, proof, old_root, new_root)


def verify_subtree(start: int, end: int, size: int, proof: Sequence[bytes], subtree: bytes, root: bytes) -> None:
    """Check that the leaves [start, end) of the tree of `size` leaves with `root` have the root `subtree`.

    Errors: VerificationError.
    """
    if not (is_subtree(start, end) and end <= size):
        raise VerificationError(f"leaves {start} to {end} are no subtree of a tree of {size} leaves")
    if {len(h) for h in (subtree, root, *proof)} != {HASH_BYTES}:
        raise VerificationError(f"a hash of the proof has not {HASH_BYTES} bytes")
    given = iter(proof)
    try:
        found = _climb(start, end, size, True, subtree, given)
    except StopIteration:
        raise VerificationError(f"the proof ends early: {len(proof)} hashes") from None
    if next(given, None) is not None:
        raise VerificationError(f"the proof is too long: {len(proof)} hashes")
    if found != (subtree, root):
        raise VerificationError("the proof does not lead to the root")


def _climb(start: int, end: int, size: int, known: bool, subtree: bytes, proof: Iterator[bytes]) -> tuple[bytes, bytes]:
    """Compute the roots of [start, end) and of [0, size) from a proof; `known`: the former is given, not proved."""
    if (start, end) == (0, size):
        whole = subtree if known else next(proof)
        return whole, whole
    left = left_size(size)
    if end <= left:
        part, whole = _climb(start, end, left, known, subtree, proof)
        return part, node_hash(whole, next(proof))
    if left <= start:
        part, whole = _climb(start - left, end - left, size - left, known, subtree, proof)
        return part, node_hash(next(proof), whole)
    part, whole = _climb(0, end - left, size - left, False, subtree, proof)
    sibling = next(proof)
    return node_hash(sibling, part), node_hash(sibling, whole)
