"""Files, folders, globs, standard input and what is packed: what was readable is kept, what was not is told."""

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from traffic_reading import line

from tocsin.forms import ConfigError, FormatError, TransportError
from tocsin.forms.limits import BATCH_ROWS
from tocsin.traffic import SeenIds, pull


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as packed:
        packed.write(data)
    return sink.getvalue().to_pybytes()


PACK = {"gzip": gzip.compress, "zstd": zstd}
NOISE = random.Random(1)


def noisy(number: int) -> bytes:
    return line(number, text=NOISE.randbytes(150).hex())


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(line(1))
    (folder / "b" / "c.ndjson.gz").write_bytes(gzip.compress(line(2)))
    (folder / "b" / "deep" / "d.JSON.zst").write_bytes(zstd(line(3)))
    (folder / "notes.txt").write_bytes(line(4))
    return folder


def test_a_folder_is_read_whole_by_known_names(read, logs: Path) -> None:
    assert read(logs).ids == ["e1", "e2", "e3"]


def test_a_named_file_is_read_whatever_its_name(read, logs: Path) -> None:
    assert read(logs / "notes.txt").ids == ["e4"]


def test_each_file_counts_once(read, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(logs)
    (logs / "z.jsonl").symlink_to(logs / "a.jsonl")
    outcome = read(".", "a.jsonl", "./a.jsonl", logs / "a.jsonl", "*.jsonl", "b/../a.jsonl")
    assert (sorted(outcome.ids), outcome.rejects) == (["e1", "e2", "e3"], [])


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("*.jsonl", ["e1"]),
        ("**/*.gz", ["e2"]),
        ("b*", ["e2", "e3"]),
        ("**", ["e1", "e2", "e3", "e4"]),
        ("[ab].*", ["e1"]),
    ],
)
def test_globs(read, logs: Path, pattern: str, ids: list[str]) -> None:
    assert sorted(read(f"{logs}/{pattern}").ids) == ids


def test_a_name_that_looks_like_a_glob_is_a_name(read, tmp_path: Path) -> None:
    (tmp_path / "log[1].jsonl").write_bytes(line(1))
    assert read(tmp_path / "log[1].jsonl").ids == ["e1"]


def test_the_order_of_arguments_does_not_matter(read, tmp_path: Path) -> None:
    for name, text in {"b": "from b", "a": "from a", "c": "from c"}.items():
        (tmp_path / name).write_bytes(line(1, text=text))
    outcomes = [read(*(tmp_path / name for name in order)) for order in ("abc", "cba", "bca")]
    assert [outcome.events[0]["text"] for outcome in outcomes] == ["from a"] * 3
    assert outcomes[0].rejects == outcomes[1].rejects == outcomes[2].rejects
    assert [Path(reject.source).name for reject in outcomes[0].rejects] == ["b", "c"]
    assert {reject.reason for reject in outcomes[0].rejects} == {"duplicate id"}


@pytest.mark.parametrize("missing", ["absent.jsonl", "absent-*.jsonl", "empty", "x" * 5000])
def test_what_cannot_be_reached_is_told_and_the_others_are_read(read, logs: Path, missing: str) -> None:
    (logs / "empty").mkdir()
    outcome = read(logs / missing, logs)
    assert outcome.ids == ["e1", "e2", "e3"]
    assert [type(failure) for failure in outcome.failures] == [TransportError]
    assert [reject.position for reject in outcome.rejects] == [0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(read, logs: Path) -> None:
    (logs / "a.jsonl").chmod(0)
    outcome = read(logs)
    assert (outcome.ids, [type(failure) for failure in outcome.failures]) == (["e2", "e3"], [TransportError])


def test_a_file_that_cannot_be_read_is_told(read, logs: Path) -> None:
    (logs / "a.jsonl").unlink()
    (logs / "a.jsonl").symlink_to(logs / "a.jsonl")
    outcome = read(logs)
    assert (outcome.ids, [type(failure) for failure in outcome.failures]) == (["e2", "e3"], [TransportError])


def test_a_file_name_that_is_not_utf8(read, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jsonl"))
    path.write_bytes(line(1) + b"\nbad")
    outcome = read(tmp_path)
    assert outcome.ids == ["e1"]
    assert outcome.rejects[0].source.encode().endswith(b"/\\udcff.jsonl")


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("name", ["log.jsonl", "log.gz", "log.zst", "log"])
def test_packing_is_known_by_its_first_bytes(read, packing: str, name: str) -> None:
    assert read(PACK[packing](line(1) + b"\n" + line(2)), name=name).ids == ["e1", "e2"]


@pytest.mark.parametrize("packing", PACK)
def test_packed_pieces_in_a_row_are_one_log(read, packing: str) -> None:
    pack = PACK[packing]
    assert read(pack(line(1) + b"\n") + pack(line(2) + b"\n") + pack(b"")).ids == ["e1", "e2"]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_what_was_readable_of_a_cut_off_log_is_kept(read, packing: str, share: float) -> None:
    packed = PACK[packing](b"\n".join(noisy(n) for n in range(8_000)) + b"\n")
    outcome = read(packed[: int(len(packed) * share)])
    assert outcome.ids == [f"e{n}" for n in range(len(outcome.ids))]
    assert len(outcome.ids) > 8_000 * share * 0.9 - 1_500  # zstd gives whole blocks
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert outcome.rejects[-1].reason == "source cannot be read to its end"


@pytest.mark.parametrize("packing", PACK)
def test_damage_in_the_middle_keeps_what_was_before(read, packing: str) -> None:
    packed = bytearray(PACK[packing](b"\n".join(noisy(n) for n in range(20_000))))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)
    outcome = read(bytes(packed))
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert len(outcome.ids) > 5_000


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("length", [4, 5, 8, 12])
def test_only_the_head_of_a_packed_log(read, packing: str, length: int) -> None:
    outcome = read(PACK[packing](line(1))[:length])
    assert (outcome.ids, [type(failure) for failure in outcome.failures]) == ([], [FormatError])


@pytest.mark.parametrize("packing", PACK)
def test_a_packed_nothing_is_empty(read, packing: str) -> None:
    outcome = read(PACK[packing](b""))
    assert (outcome.events, outcome.rejects, outcome.failures) == ([], [], [])


def test_standard_input(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tocsin.traffic import SeenIds, pull\n"
        "with SeenIds(Path(sys.argv[1])) as seen:\n"
        "    for got in pull(['-', '-'], seen=seen): print(got.traffic['event_id'].to_pylist(), got.failure)"
    )
    for data in (line(1), gzip.compress(line(1)), zstd(line(1))):
        ran = subprocess.run([sys.executable, "-c", script, str(tmp_path)], input=data, capture_output=True, check=True)
        assert ran.stdout == b"['e1'] None\n"


def test_small_sources_fill_whole_batches(read, tmp_path: Path) -> None:
    for n in range(300):
        (tmp_path / f"{n:03}.jsonl").write_bytes(line(n))
    outcome = read(tmp_path)
    assert (len(outcome.ids), len(outcome.batches)) == (300, 1)


def test_batches_are_bounded_and_always_the_same(read, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(line(n) for n in range(40_000)))
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(line(n, text="x" * 900_000) for n in range(40_000, 40_040)))
    first, again = read(tmp_path), read(tmp_path)
    assert len(first.ids) == 40_040
    assert [batch.num_rows for batch in first.batches] == [batch.num_rows for batch in again.batches]
    assert max(batch.num_rows for batch in first.batches) > BATCH_ROWS * 0.7


def test_an_unknown_format_is_refused(spill: Path) -> None:
    with SeenIds(spill) as seen, pytest.raises(ConfigError, match="csv"):
        pull(["x"], seen=seen, format="csv")


def test_nothing_is_read_on_where_ids_cannot_be_remembered(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(line(n) for n in range(50)))
    with SeenIds(tmp_path / "absent", keep=10) as seen, pytest.raises(TransportError, match="remember ids"):
        list(pull([str(tmp_path / "a.jsonl")], seen=seen))
