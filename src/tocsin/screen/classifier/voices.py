"""What detectors say of texts, as inputs of the classifier: one number for grave findings, one for weak ones."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GRAVE, WEAK = 3, 2
VOICES = 2


def voices_of(event_ids: pa.Array, findings: pa.Table) -> NDArray[np.float32]:
    """Give the surest grave and the surest weak finding of every event. Shape: two scores from 0 to 1 an event."""
    voices = np.zeros((len(event_ids), VOICES), dtype=np.float32)
    rows = pc.index_in(findings["event_id"], event_ids).to_numpy()
    severity, score = findings["severity"].to_numpy(), findings["score"].to_numpy()
    for column, of in enumerate((severity >= GRAVE, severity == WEAK)):
        np.maximum.at(voices[:, column], rows[of], score[of])
    return voices
