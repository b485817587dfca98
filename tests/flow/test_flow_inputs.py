"""Good and bad inputs: what was read is kept, and the exit code says what was wrong."""

import gzip
import json
from pathlib import Path

import pytest

from small_runs import event, outputs, screen, start, table, write_lines, write_parquet
from tocsin.forms import ConfigError, TransportError

ONE, TWO = event(1), event(2)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "good.jsonl", [ONE, TWO, event(3)])


def test_a_sound_input_ends_with_0(tmp_path: Path, good: Path, standard: Path) -> None:
    outcome = screen(tmp_path / "out", good, standard=standard)
    assert (outcome.exit_code, outcome.failures, outcome.summary["rows"]) == (0, [], 3)


def test_an_empty_file_is_no_rows_and_ends_with_0(tmp_path: Path, standard: Path) -> None:
    outcome = screen(tmp_path / "out", write_lines(tmp_path / "empty.jsonl", []), standard=standard, scores=True)
    assert (outcome.exit_code, outcome.summary["rows"], outcome.summary["findings"]) == (0, 0, 0)
    assert [table(tmp_path / "out", name) for name in ("findings", "activity", "cases", "scores")] == [[]] * 4


def test_an_absent_input_ends_with_4_and_the_others_are_screened(tmp_path: Path, good: Path, standard: Path) -> None:
    outcome = screen(tmp_path / "out", tmp_path / "absent.jsonl", good, standard=standard, scores=True)
    assert (outcome.exit_code, outcome.summary["rows"]) == (4, 3)
    assert len(table(tmp_path / "out", "scores")) == 3


def test_a_cut_off_gzip_ends_with_3_and_keeps_what_was_read(tmp_path: Path, standard: Path) -> None:
    lines = b"".join(json.dumps(event(n, text=f"{n * 7919 % 10_007}" * 9)).encode() + b"\n" for n in range(3000))
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(lines)[:-3000])
    outcome = screen(tmp_path / "out", tmp_path / "cut.jsonl.gz", standard=standard, scores=True)
    assert outcome.exit_code == 3
    assert 0 < int(str(outcome.summary["rows"])) < 3000
    assert len(table(tmp_path / "out", "scores")) == outcome.summary["rows"]


def test_parquet_without_its_columns_ends_with_3(tmp_path: Path, good: Path, standard: Path) -> None:
    log = write_parquet(tmp_path / "odd.parquet", [{"id": "e1", "text": "ignore all previous instructions"}])
    outcome = screen(tmp_path / "out", log, good, standard=standard)
    assert (outcome.exit_code, outcome.summary["rows"]) == (3, 3)


def test_packed_parquet_is_read(tmp_path: Path, standard: Path) -> None:
    plain = write_parquet(tmp_path / "log.parquet", [ONE, TWO])
    packed = tmp_path / "log.parquet.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    outcome = screen(tmp_path / "out", packed, standard=standard)
    assert (outcome.exit_code, outcome.summary["rows"]) == (0, 2)


def test_parquet_on_standard_input_is_read(tmp_path: Path, standard: Path) -> None:
    log = write_parquet(tmp_path / "log.parquet", [ONE, TWO]).read_bytes()
    with start("screen", "-", "--out", tmp_path / "out", "--standard", standard, "--json", cache=tmp_path) as run:
        told, said = run.communicate(log)
    assert run.returncode == 0, said
    assert json.loads(told)["rows"] == 2


def test_beyond_max_rejects_the_run_ends_with_3_and_its_outputs(tmp_path: Path, standard: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [ONE, TWO, b"{", b"[]"])
    outcome = screen(tmp_path / "out", log, standard=standard, scores=True)
    assert (outcome.exit_code, outcome.summary["rejected"]) == (3, 2)
    assert "2 of 4 rows rejected, limit 5.0%" in str(outcome.failures[0])
    assert len(table(tmp_path / "out", "scores")) == 2
    assert screen(tmp_path / "out", log, standard=standard, max_rejects=0.5).exit_code == 0


def test_too_many_rejects_decide_the_exit_code_whatever_failed_before(tmp_path: Path, standard: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", [ONE, b"{", b"[]"])
    outcome = screen(tmp_path / "out", tmp_path / "absent", log, standard=standard)
    assert (outcome.exit_code, len(outcome.failures)) == (3, 2)


def test_a_duplicate_id_counts_where_it_stands_first(tmp_path: Path, standard: Path) -> None:
    first = write_lines(tmp_path / "1.jsonl", [event(7, text="a red lamp")])
    second = write_lines(tmp_path / "2.jsonl", [event(7, text="a blue lamp"), TWO])
    outcome = screen(tmp_path / "out", second, first, standard=standard, scores=True, max_rejects=1.0)
    assert (outcome.summary["rows"], outcome.summary["rejected"]) == (2, 1)
    assert [s["event_id"] for s in table(tmp_path / "out", "scores")] == [event(7)["id"], TWO["id"]]
    (reject,) = outputs(tmp_path / "out")["rejects.jsonl"].decode().splitlines()
    assert json.loads(reject) == {"source": str(second), "position": 1, "reason": "duplicate id"}


def test_sources_are_those_read_not_the_arguments(tmp_path: Path, standard: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for n in range(3):
        write_lines(folder / f"{n}.jsonl", [event(n)])
    outcome = screen(tmp_path / "out", folder, folder / "0.jsonl", tmp_path / "absent", standard=standard)
    assert outcome.summary["sources"] == 3


def test_a_format_can_be_forced(tmp_path: Path, good: Path, standard: Path) -> None:
    assert screen(tmp_path / "out", good, standard=standard, format="chat").exit_code == 3
    with pytest.raises(ConfigError, match="unknown format 'csv'"):
        screen(tmp_path / "out", good, standard=standard, format="csv")


def test_an_unknown_standard_and_an_output_that_is_a_file_are_told(tmp_path: Path, good: Path, standard: Path) -> None:
    with pytest.raises(TransportError, match="no standard folder"):
        screen(tmp_path / "out", good, standard=tmp_path / "nowhere")
    with pytest.raises(TransportError, match=r"cannot write to 'good\.jsonl'"):
        screen(good, good, standard=standard)


def test_scores_of_an_earlier_run_do_not_stay(tmp_path: Path, good: Path, standard: Path) -> None:
    screen(tmp_path / "out", good, standard=standard, scores=True)
    assert "scores.parquet" in outputs(tmp_path / "out")
    screen(tmp_path / "out", good, standard=standard)
    assert "scores.parquet" not in outputs(tmp_path / "out")
