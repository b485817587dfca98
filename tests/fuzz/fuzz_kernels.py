"""Feed the compiled kernels hostile bytes and compare with the references: `make fuzz`, or `fuzz_kernels.py SECONDS`.

atheris guides the bytes where it is installed; else they are drawn at random from pieces that matter.
"""

import random
import sys
import time

import numpy as np
import pyarrow as pa

from tocsin.text import _kernels, classes, fold_arrays, windows
from tocsin.text.packed_table import packed_table

TABLE = packed_table()
WEIGHTS = np.random.default_rng(1).integers(-128, 128, (256, 16)).astype(np.int8)
PIECES = [
    b" ",
    b"\n",
    b"a b c d e ",
    "忽、略、所、有、".encode(),
    "é\u200b\u0301ﷺ㌖".encode(),
    b"\xed\xa0\x80",
    b"\xf0\x9f",
    b"Q" * 23,
]


def try_one(raw: bytes) -> None:
    """Fold raw bytes as rows cut at 0xFF, and compare all that follows with the references."""
    rows = raw.split(b"\xff")
    data, offsets = b"".join(rows), np.cumsum([0, *map(len, rows)]).astype(np.int32)
    for avx2 in (False, True):
        try:
            buffer, starts, flags = _kernels.fold_join(data, offsets, TABLE.pages, TABLE.entries, TABLE.pool, avx2)
        except ValueError:
            assert not all(map(_is_utf8, rows))
            continue
        expected, lines, kinds = fold_arrays.fold_join(pa.array([r.decode() for r in rows], pa.string()))
        assert (buffer, starts, flags) == (expected, lines.tobytes(), kinds.tobytes())
        scanned = _kernels.scan_lines(buffer, lines, 16, WEIGHTS, 15, avx2)
        sampled = [a.tobytes() for a in windows.sample_lines(buffer, lines, 16)]
        assert scanned == (*sampled, classes.class_sums(buffer, lines, WEIGHTS, 15).tobytes())


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


def _drawn(draw: random.Random) -> bytes:
    parts = [_piece(draw) for _ in range(draw.randrange(60))]
    raw = b"".join(parts)
    return raw if draw.random() < 0.3 else raw.decode(errors="ignore").encode().replace(b"\n", b"\xff")


def _piece(draw: random.Random) -> bytes:
    return draw.choice(
        [draw.choice(PIECES), draw.randbytes(draw.randrange(4)), chr(draw.randrange(32, 0xD800)).encode()]
    )


def main(seconds: float) -> None:
    """Draw for so long; atheris, where installed, goes on until it finds something."""
    try:
        import atheris
    except ImportError:
        draw, tries, until = random.Random(7), 0, time.monotonic() + seconds
        while time.monotonic() < until:
            try_one(_drawn(draw))
            tries += 1
        sys.stdout.write(f"{tries} inputs, no difference\n")
    else:
        atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
