"""The bench's generator: the same rows for the same seed, and none that the reader refuses."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from generate import blocks, generate  # noqa: E402
from stages import STAGES, place  # noqa: E402
from tocsin.traffic.parquet import read_parquet  # noqa: E402

ROWS = 20_000  # two blocks


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return pa.concat_tables(blocks(ROWS, 7))


def test_same_seed_same_rows(table: pa.Table) -> None:
    assert pa.concat_tables(blocks(ROWS, 7)).equals(table)


def test_another_seed_other_texts(table: pa.Table) -> None:
    other = next(blocks(1000, 8))
    assert not other["text"].equals(table["text"].slice(0, 1000))


def test_shorter_file_is_the_beginning_of_a_longer_one(table: pa.Table) -> None:
    assert next(blocks(500, 7)).equals(table.slice(0, 500))


@pytest.mark.parametrize("hostile", [False, True])
def test_reader_refuses_no_row(tmp_path: Path, hostile: bool) -> None:
    file = tmp_path / "rows.parquet"
    generate(3000, file, 7, hostile=hostile)
    pieces = list(read_parquet("rows", file))
    assert sum(piece.traffic.num_rows for piece in pieces) == 3000
    assert [reject for piece in pieces for reject in piece.rejects] == []


def test_ids_are_distinct(table: pa.Table) -> None:
    assert pc.count_distinct(table["id"]).as_py() == ROWS


def test_texts_are_as_long_as_promised(table: pa.Table) -> None:
    lengths = pc.binary_length(table["text"]).to_numpy()
    assert 360 < lengths.mean() < 440
    assert np.median(lengths) < 0.75 * lengths.mean()


def test_three_rows_in_ten_are_chinese(table: pa.Table) -> None:
    chinese = pc.match_substring_regex(table["text"], r"\p{Han}").to_numpy(zero_copy_only=False)
    assert 0.25 < chinese.mean() < 0.35


def test_one_row_in_two_hundred_is_planted(table: pa.Table) -> None:
    numbers = np.array([int(name[1:]) for name in table["account"].to_pylist()])
    assert 0.002 < (numbers < 1200).mean() < 0.009


def test_every_stage_is_where_the_bench_looks_for_it() -> None:
    found = [place(name) for names in STAGES.values() for name in names]
    assert all(callable(getattr(owner, last)) for owner, last in found)
