"""Small files that spare work: what was proved or compiled before. Losing one costs time, nothing else."""

import os
import tempfile
from pathlib import Path


def keep(file: Path, raw: bytes) -> None:
    """Write a file of the cache whole, or not at all where the folder cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
        Path(temporary).replace(file)
    except OSError:
        return
