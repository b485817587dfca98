"""Small files that spare work: what was proved or compiled before. Losing one costs time, nothing else."""

import os
import tempfile
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path


@cache
def engine_mark() -> str:
    """Name the code that reads rules and analyses patterns: what another code cached is not used."""
    names = {
        "tocsin.standard": (
            "commonplace.tsv",
            "factors.py",
            "load.py",
            "match.py",
            "model.py",
            "patterns.py",
            "reading.py",
            "sieve.py",
        ),
        "tocsin.text": ("demands.py",),
    }
    raw = (files(room).joinpath(name).read_bytes() for room, own in names.items() for name in own)
    return blake2b(b"".join(raw), digest_size=6).hexdigest()


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
