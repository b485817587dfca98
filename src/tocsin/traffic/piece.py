"""What a reader yields: rows that may become events, where each stood, and what was refused."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Piece:
    """Hold some rows of one source.

    traffic: TRAFFIC schema; positions: int64, one a row; rejects: (position, reason), both in order of position.
    """

    traffic: pa.RecordBatch
    positions: npt.NDArray[np.int64]
    rejects: tuple[tuple[int, str], ...] = ()
