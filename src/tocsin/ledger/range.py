"""The first leaves of a growing tree as the few hashes that its root is made of: all that a reader need remember."""

from collections.abc import Iterable

from tocsin.ledger.merkle import fold_peaks, node_hash


class Range:
    """The perfect subtrees of the tree of `size` leaves, from the left."""

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)

    def copy(self) -> "Range":
        """Give a range that grows on its own."""
        return Range(self.size, self._hashes)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes at the right."""
        for leaf in leaves:
            self._hashes.append(leaf)
            self.size += 1
            below = self.size
            while below % 2 == 0:
                right = self._hashes.pop()
                self._hashes.append(node_hash(self._hashes.pop(), right))
                below //= 2

    def root(self) -> bytes:
        """Compute the root of the tree."""
        return fold_peaks(self._hashes)
