"""Run `tocsin` with class sums on: `python bench/classed.py screen …`.

The sketch pass gives way to the fused pass, which samples the same hashes and adds up the weights of every feature
from a table of random weights; the sums are not used. Worker processes import this file too, and so do the same.
"""

import numpy as np
import pyarrow as pa

from tocsin.cli.main import main
from tocsin.screen import engine
from tocsin.text import Folded
from tocsin.text.classes import HAN, LANES, WORDS
from tocsin.text.kernels import sample_and_sum
from tocsin.text.sketch import KEPT

ROWS = 1 << 16
_WEIGHTS = np.random.default_rng(1).integers(-127, 128, (ROWS, LANES), dtype=np.int8)


def sketch_and_sum(folded: Folded) -> pa.Array:
    """Sketch every text of a batch and add up its class sums in the same pass."""
    offsets = folded.offsets[: len(folded.texts) + 1]
    starts, hashes, _ = sample_and_sum(folded.buffer, offsets, KEPT, _WEIGHTS, WORDS | HAN)
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), pa.array(hashes))


engine.sketch_batch = sketch_and_sum  # type: ignore[attr-defined]

if __name__ == "__main__":
    main()
