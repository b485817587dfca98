"""Output files: the same however rows come in, quiet on a full disk, put in place whole."""

import gc
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.flow.outputs import RejectFile, TableFile, publish, write_table, writing_beside
from tocsin.forms import SCORES, Reject

FULL = Path("/dev/full")


def scores(start: int, count: int) -> pa.Table:
    rows = [{"event_id": f"e{n}", "kind": None, "score": n / 1e6} for n in range(start, start + count)]
    return pa.Table.from_pylist(rows, SCORES)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def grown(path: Path, sizes: list[int]) -> bytes:
    with TableFile(path, SCORES) as file:
        for number, size in enumerate(sizes):
            file.add(scores(sum(sizes[:number]), size))
    return path.read_bytes()


@given(st.lists(st.integers(0, 50), max_size=6))
def test_a_grown_table_does_not_show_how_its_rows_came(place: Path, sizes: list[int]) -> None:
    assert grown(place / "cut", sizes) == grown(place / "whole", [sum(sizes)])
    assert pq.read_table(place / "cut").equals(scores(0, sum(sizes)))


def test_nor_does_one_of_several_row_groups(place: Path) -> None:
    cut = grown(place / "cut", [65_535, 2, 70_000, 1])
    assert cut == grown(place / "whole", [135_538])
    assert pq.ParquetFile(place / "cut").metadata.num_row_groups == 3


def test_a_table_that_is_not_wanted_is_not_written(place: Path) -> None:
    with TableFile(place / "none", SCORES, wanted=False) as file:
        file.add(scores(0, 70_000))
    assert not (place / "none").exists()


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
@pytest.mark.parametrize("rows", [1, 200_000])
def test_a_full_disk_raises_once_and_is_quiet_afterwards(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)

    def grow() -> None:
        with TableFile(FULL, SCORES) as file:
            file.add(scores(0, rows))

    with pytest.raises(OSError, match="No space left"):
        grow()
    with pytest.raises(OSError, match="No space left"):
        write_table(FULL, scores(0, rows))
    gc.collect()
    assert heard == []


def test_tables_written_beside_are_there_when_the_block_ends(tmp_path: Path) -> None:
    with writing_beside() as write:
        for name, rows in (("many", 70_000), ("none", 0)):
            write(tmp_path / name, scores(0, rows))
    assert [len(pq.read_table(tmp_path / name)) for name in ("many", "none")] == [70_000, 0]


@pytest.mark.skipif(not FULL.exists(), reason="the system has no full device")
def test_what_fails_beside_fails_the_block(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), writing_beside() as write:
        write(FULL, scores(0, 1))
        write(tmp_path / "other", scores(0, 1))


def test_rejects_are_one_line_each_and_counted(tmp_path: Path) -> None:
    with RejectFile(tmp_path / "rejects.jsonl") as file:
        file.add([Reject("日志.jsonl", 3, "unknown role"), Reject("b", 4, "time is missing")])
        file.add([Reject("b", 5, "unknown role"), Reject("b", 0, "source cannot be read to its end")])
    lines = (tmp_path / "rejects.jsonl").read_text("utf-8").splitlines()
    assert lines[0] == '{"source": "日志.jsonl", "position": 3, "reason": "unknown role"}'
    assert (len(lines), file.lines, file.rows) == (4, 4, 3)
    assert file.reasons == {"unknown role": 2, "time is missing": 1, "source cannot be read to its end": 1}


def test_publishing_replaces_files_and_clears_folders_of_old_ones(tmp_path: Path) -> None:
    for name in ("out/report.html", "out/mine.txt", "out/charts/old.svg", "new/report.html", "new/charts/new.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    publish(tmp_path / "new", tmp_path / "out")
    found = {p.relative_to(tmp_path / "out").as_posix(): p.read_text() for p in (tmp_path / "out").rglob("*.*")}
    assert found == {
        "report.html": "new/report.html",
        "mine.txt": "out/mine.txt",
        "charts/new.svg": "new/charts/new.svg",
    }
