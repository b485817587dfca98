"""Numbers that need not be in memory until the end of a run."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tocsin.screen import Read

Ints = NDArray[np.int64]
_BYTES = np.dtype(np.int64).itemsize


@dataclass
class SpillFile:
    """Keep runs of numbers in one file without a name: it goes with the object, and with the process."""

    folder: Path
    _file: IO[bytes] | None = field(default=None, repr=False)

    def __call__(self, run: Ints) -> Read:
        """Put a run of shape (2, n) at the end; return how to read it from one column to another.

        Errors: OSError where there is no room.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  vanishes with this object
        file = self._file
        begin = file.seek(0, 2)
        file.write(np.ascontiguousarray(run.T).tobytes())

        def read(start: int, stop: int) -> Ints:
            file.seek(begin + 2 * start * _BYTES)
            return np.frombuffer(file.read(2 * (stop - start) * _BYTES), np.int64).reshape(-1, 2).T

        return read
