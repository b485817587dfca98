# What the compiled kernels offer; `kernels.py` says what it means.
from typing_extensions import Buffer

def has_avx2() -> bool: ...
def fold_join(
    data: Buffer, offsets: Buffer, pages: Buffer, entries: Buffer, pool: Buffer, avx2: bool, /
) -> tuple[bytes, bytes, bytes]: ...
def scan_lines(
    buffer: Buffer, offsets: Buffer, kept: int, table: Buffer, features: int, avx2: bool, /
) -> tuple[bytes, bytes, bytes]: ...
