"""The fold's per-code-point map as arrays, read once from the shipped table."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

IDENTITY_CODES = 0x110000


@dataclass(frozen=True, slots=True)
class FoldTable:
    """Hold what every code point folds to.

    Shape: `length[c]` is how many code points c becomes (0: removed); `code[c]` is the one it becomes where length
    is 1, else an index into `pool`, where `length[c]` code points follow.
    """

    code: NDArray[np.uint32]
    length: NDArray[np.uint8]
    pool: NDArray[np.uint32]

    def of(self, char: str) -> str:
        """Fold one code point: the slow reference."""
        at, n = int(self.code[ord(char)]), int(self.length[ord(char)])
        return chr(at) if n == 1 else "".join(map(chr, self.pool[at : at + n]))


@cache
def fold_table() -> FoldTable:
    """Read the shipped table; every code point that it does not name folds to itself."""
    code = np.arange(IDENTITY_CODES, dtype=np.uint32)
    length = np.ones(IDENTITY_CODES, dtype=np.uint8)
    pool: list[int] = []
    for line in files("tocsin.text").joinpath("fold_table.tsv").read_text("utf-8").splitlines()[1:]:
        source, _, target = line.partition("\t")
        codes = [int(c, 16) for c in target.split()]
        length[int(source, 16)] = len(codes)
        code[int(source, 16)] = codes[0] if len(codes) == 1 else len(pool)
        if len(codes) > 1:
            pool.extend(codes)
    return FoldTable(code, length, np.array(pool, dtype=np.uint32))
