"""One pass over folded lines for all who ask of every byte: the sketch, the look-up of alarms, the classifier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.text.fold import Folded
from tocsin.text.kernels import WANT_HASHES, WANT_SUMS, sample_and_sum
from tocsin.text.windows import Hashes, Positions

_NO_TABLE = np.empty((0, 16), dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Scanned:
    """Hold what a scan found. Shape: line i's sampled hashes, distinct and ascending, are
    `hashes[starts[i]:starts[i + 1]]`, none where nobody asked; `sums` has a row of 16 class sums a line, zeros where
    nobody asked, none where there was no table.
    """

    starts: Positions
    hashes: Hashes
    sums: NDArray[np.int32]


def scan_batch(
    folded: Folded, table: NDArray[np.int8] = _NO_TABLE, features: int = 0, asked: NDArray[np.uint8] | None = None
) -> Scanned:
    """Scan every line of a batch, derived ones too, for the class sums of a table and for sampled window hashes.

    Shape: `asked` is WANT_HASHES, WANT_SUMS or both added of each line; without it all is wanted of all.
    """
    wanted = np.full(len(folded), WANT_HASHES + WANT_SUMS, dtype=np.uint8) if asked is None else asked
    return Scanned(*sample_and_sum(folded.buffer, folded.offsets, wanted, table, features))
