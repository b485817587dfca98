"""The hash tree of what is held of a log: roots at any size, and subtrees for proofs."""

from tocsin.coalition.reading import Prefix
from tocsin.ledger import Hashes, Range, perfect_root

HASH_BYTES = 32


def roots_at(log: Prefix, sizes: set[int]) -> dict[int, bytes]:
    """Compute the roots of a log's tree at some sizes, in one pass; sizes that are not held have none."""
    tree, found = Range(), dict[int, bytes]()
    held = len(log.leaves) // HASH_BYTES
    for size in sorted(sizes):
        if size <= held:
            tree.extend(log.leaves[HASH_BYTES * i : HASH_BYTES * (i + 1)] for i in range(tree.size, size))
            found[size] = tree.root()
    return found


def hashes_of(log: Prefix) -> Hashes:
    """Give the hashes of perfect subtrees of a log's tree, for proofs."""

    def give(height: int, index: int) -> bytes:
        low, high = index << height, (index + 1) << height
        return perfect_root([log.leaves[HASH_BYTES * i : HASH_BYTES * (i + 1)] for i in range(low, high)])

    return give
