"""Of which events alarms, leads and the classifier speak: of what users and tools said, not of answers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ASKING = ("user", "tool")


def asked_rows(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Say of which rows of TRAFFIC."""
    return np.asarray(pc.is_in(batch["role"], pa.array(ASKING)).to_numpy(zero_copy_only=False), dtype=np.bool_)
