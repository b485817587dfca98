"""What need not be in memory until the end of a run: numbers, and rows."""

import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
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


@dataclass
class SpilledTables:
    """Keep tables of one schema in a file without a name; once they are read, none can be added.

    What is read stays in the file until it is looked at, and can be dropped from memory again.
    """

    folder: Path
    _file: IO[bytes] | None = field(default=None, repr=False)
    _writer: Any = field(default=None, repr=False)

    def append(self, table: pa.Table) -> None:
        """Put a table behind the others. Errors: OSError where there is no room."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115  vanishes with this object
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), table.schema)
        self._writer.write_table(table)

    def __iter__(self) -> Iterator[pa.Table]:
        """Read all tables as one; none where none was added."""
        if self._file is not None:
            self._writer.close()
            self._file.flush()
            whole = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            yield pa.ipc.open_stream(pa.py_buffer(whole)).read_all()
