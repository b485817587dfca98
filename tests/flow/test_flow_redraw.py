"""A report drawn anew: the same bytes; and where a file of the run is gone or damaged, a word and an exit code."""

import json
import shutil
from pathlib import Path

import pytest

from small_runs import outputs, screen
from tocsin.flow import read_table, redraw
from tocsin.forms import FormatError, TocsinError, TransportError

NEEDED = ("findings.parquet", "activity.parquet", "cases.parquet", "summary.json", "rejects.jsonl")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, logs: Path, standard: Path) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    screen(out, logs, standard=standard)
    return out


@pytest.fixture
def copy(tmp_path: Path, run: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def test_a_report_drawn_anew_has_the_same_bytes(run: Path, copy: Path, standard: Path) -> None:
    (copy / "report.html").unlink()
    shutil.rmtree(copy / "charts")
    redraw(copy, standard)
    assert outputs(copy) == outputs(run)
    assert sorted(p.name for p in copy.iterdir()) == sorted(p.name for p in run.iterdir())


def test_what_an_interrupted_run_left_beside_it_stays_apart(run: Path, copy: Path, standard: Path) -> None:
    left = {"parts/1.part": b"part", "out/scores.parquet": b"half"}
    for name, raw in left.items():
        (copy / ".tocsin-partial" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / ".tocsin-partial" / name).write_bytes(raw)
    redraw(copy, standard)
    assert outputs(copy) == outputs(run) | {f".tocsin-partial/{name}": raw for name, raw in left.items()}


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_gone_is_named(copy: Path, standard: Path, name: str) -> None:
    (copy / name).unlink()
    before = outputs(copy)
    with pytest.raises(TransportError, match=f"no {name} in 'copy'"):
        redraw(copy, standard)
    assert outputs(copy) == before


@pytest.mark.parametrize(
    "raw", [b"\n", b"\xff\xfe", b"{", b"[" * 100_000, b"[1]", b"7", b"{}", b'{"rows": "many", "sources": 1}']
)
@pytest.mark.parametrize("name", NEEDED)
def test_a_file_that_is_damaged_is_named(copy: Path, standard: Path, name: str, raw: bytes) -> None:
    (copy / name).write_bytes(raw)
    with pytest.raises(FormatError, match=name.replace(".", r"\.")):
        redraw(copy, standard)


def test_a_table_of_something_else_is_refused(copy: Path, standard: Path) -> None:
    shutil.copy(copy / "findings.parquet", copy / "cases.parquet")
    with pytest.raises(FormatError, match=r"cases\.parquet"):
        read_table(copy, "cases.parquet")


def test_no_run_at_all_is_told(tmp_path: Path, standard: Path) -> None:
    with pytest.raises(TocsinError, match=r"no findings\.parquet") as told:
        redraw(tmp_path, standard)
    assert told.value.exit_code == 4
    assert list(tmp_path.iterdir()) == []


def test_rejects_are_counted_again(copy: Path, standard: Path) -> None:
    reject = json.dumps({"source": "x", "position": 1, "reason": "unknown role"})
    (copy / "rejects.jsonl").write_text(f"{reject}\n" * 3)
    redraw(copy, standard)
    assert b"unknown role" in (copy / "report.html").read_bytes()
