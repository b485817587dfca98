"""One pass over folded lines for all who ask of every byte: the sketch, the look-up of alarms, the classifier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.text.fold import Folded
from tocsin.text.kernels import sample_and_sum
from tocsin.text.windows import Hashes, Positions

_NO_TABLE = np.empty((0, 16), dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Scanned:
    """Hold what a scan found. Shape: line i's sampled hashes, distinct and ascending, are
    `hashes[starts[i]:starts[i + 1]]`, none where nobody asked; `sums` has a row of 16 class sums a line, none where
    there was no table.
    """

    starts: Positions
    hashes: Hashes
    sums: NDArray[np.int32]


def scan_batch(
    folded: Folded, table: NDArray[np.int8] = _NO_TABLE, features: int = 0, asked: NDArray[np.bool_] | None = None
) -> Scanned:
    """Scan every line of a batch, derived ones too, for the class sums of a table and for sampled window hashes.

    Shape: `asked` says of each line whether its hashes are wanted; without it all are.
    """
    wanted = np.ones(len(folded), dtype=bool) if asked is None else asked
    return Scanned(*sample_and_sum(folded.buffer, folded.offsets, wanted, table, features))
