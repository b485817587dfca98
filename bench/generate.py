"""Generate traffic for the bench: native Parquet of any number of rows, the same rows for the same seed.

    python bench/generate.py 1000000 rows.parquet [--seed 1] [--hostile]

A file of N rows is the beginning of every longer one. Rows are made a block at a time: memory does not grow with N.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from talk import BLOCK_ROWS, Talk
from texts import Hostile, Ordinary

GROUP_BLOCKS = 4  # blocks a row group


def generate(rows: int, path: Path, seed: int = 1, *, hostile: bool = False, standard: Path | None = None) -> None:
    """Write `rows` rows; the file appears whole or not at all."""
    growing = path.with_suffix(".growing")
    held: list[pa.Table] = []
    with pq.ParquetWriter(growing, next(blocks(1, seed)).schema, compression="zstd") as writer:
        for block in blocks(rows, seed, hostile=hostile, standard=standard):
            held.append(block)
            if len(held) == GROUP_BLOCKS:
                writer.write_table(pa.concat_tables(held).combine_chunks())
                held.clear()
        if held:
            writer.write_table(pa.concat_tables(held).combine_chunks())
    growing.replace(path)


def blocks(rows: int, seed: int = 1, *, hostile: bool = False, standard: Path | None = None) -> Iterator[pa.Table]:
    """Yield the rows in tables of at most BLOCK_ROWS."""
    talk = Talk(seed)
    texts = Hostile(standard) if hostile else Ordinary(seed)
    for number, first in enumerate(range(0, rows, BLOCK_ROWS)):
        yield talk.block(seed, number, texts).slice(0, min(BLOCK_ROWS, rows - first))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=int)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hostile", action="store_true", help="rows made of the rules' own words")
    parser.add_argument("--standard", type=Path, help="folder of the rules whose words hostile rows are made of")
    given = parser.parse_args()
    generate(given.rows, given.path, given.seed, hostile=given.hostile, standard=given.standard)


if __name__ == "__main__":
    main()
