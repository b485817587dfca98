"""What detectors say of texts, as inputs of the classifier: one number for grave findings, one for weak ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GRAVE, WEAK = 3, 2
VOICES = 2
Rows = NDArray[np.int64]


def rows_of(event_ids: pa.Array, findings: pa.Table) -> Rows:
    """Give the place among events of what each finding is about; every id is one of them."""
    return np.asarray(pc.index_in(findings["event_id"], event_ids).to_numpy(), dtype=np.int64)


def voices_of(findings: pa.Table, rows: Rows, events: int) -> NDArray[np.float32]:
    """Give the surest grave and the surest weak finding of every event. Shape: two scores from 0 to 1 an event."""
    voices = np.zeros((events, VOICES), dtype=np.float32)
    severity, score = findings["severity"].to_numpy(), findings["score"].to_numpy()
    for column, of in enumerate((severity >= GRAVE, severity == WEAK)):
        np.maximum.at(voices[:, column], rows[of], score[of])
    return voices
