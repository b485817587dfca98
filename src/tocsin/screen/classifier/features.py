"""Features of folded lines as sparse rows: how often each row of a hashed table is named, by the length of the line."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tocsin.text import Lines, list_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PIECE = 1 << 19  # entries


@dataclass(frozen=True)
class Sparse:
    """Hold a sparse matrix by rows. Shape: row i has `values[starts[i]:starts[i + 1]]` in `columns[...]`."""

    starts: Ints
    columns: NDArray[np.int32]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def where(self, mask: NDArray[np.bool_]) -> "Sparse":
        """Select rows."""
        counts = np.diff(self.starts)
        kept = np.repeat(mask, counts)
        starts = np.concatenate([[0], np.cumsum(counts[mask])])
        return Sparse(starts, self.columns[kept], self.values[kept], self.width)

    def dot(self, weights: Floats) -> Floats:
        """Multiply by a vector; empty rows give 0."""
        product, narrow = np.zeros(len(self)), weights.astype(np.float32)
        for rows, entries in self._pieces:
            each = narrow.take(self.columns[entries])
            each *= self.values[entries]
            firsts = self.starts[rows]
            filled = np.diff(self.starts[rows.start : rows.stop + 1]) > 0
            product[rows][filled] = np.add.reduceat(each, firsts[filled] - entries.start)
        return product

    def dot_transposed(self, vector: Floats) -> Floats:
        """Multiply the transpose by a vector."""
        product = np.zeros(self.width)
        for rows, entries in self._pieces:
            each = np.repeat(vector[rows], np.diff(self.starts[rows.start : rows.stop + 1])) * self.values[entries]
            product += np.bincount(self.columns[entries], weights=each, minlength=self.width)
        return product

    @cached_property
    def _pieces(self) -> list[tuple[slice, slice]]:
        """Cut the rows so that the entries of a piece stay in the cache."""
        cuts = np.searchsorted(self.starts, np.arange(0, self.starts[-1] + 1, PIECE)).tolist()
        edges = sorted({0, *cuts, len(self)})
        pairs = pairwise(edges)
        return [(slice(a, b), slice(int(self.starts[a]), int(self.starts[b]))) for a, b in pairs]


def sparse_features(buffer: Lines, offsets: Ints, bits: int, features: int) -> Sparse:
    """Count the features of every line, divided by the root of how many there are: nearly unit length."""
    starts, rows = list_rows(buffer, offsets, bits, features)
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    keys, counts = np.unique(owner << bits | rows, return_counts=True)
    line, columns = keys >> bits, (keys & ((1 << bits) - 1)).astype(np.int32)
    sizes = np.maximum(np.diff(starts), 1)
    values = (counts / np.sqrt(sizes[line])).astype(np.float32)
    firsts = np.searchsorted(line, np.arange(len(starts)))
    return Sparse(firsts.astype(np.int64), columns, values, 1 << bits)
