import gzip
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from traffic_reading import native

from tocsin.forms import FormatError
from tocsin.forms.limits import TEXT_BYTES

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
TEXT_TYPES = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.large_binary()]
TEXT_TYPES += [pa.string_view()] if hasattr(pa, "string_view") else []


def table(rows: int = 3, **columns: pa.Array | None) -> pa.Table:
    """Sound rows e0, e1, …; a column given as None is left out."""
    sound = {name: pa.array([value] * rows) for name, value in native().items()}
    sound["id"] = pa.array([f"e{n}" for n in range(rows)])
    return pa.table({name: column for name, column in (sound | columns).items() if column is not None})


@pytest.fixture
def read_table(read, tmp_path: Path) -> Callable[..., Any]:
    def run(given: pa.Table, **options: Any) -> Any:
        pq.write_table(given, tmp_path / "t.parquet", **options)
        return read(tmp_path / "t.parquet")

    return run


def texts(*values: bytes | str | None) -> pa.Array:
    """A string column that may hold any bytes."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    return pa.array(raw, pa.binary()).cast(pa.string(), safe=False)


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
@pytest.mark.parametrize("column", ["id", "time", "account", "role", "text"])
def test_texts_of_any_type(read_table, kind: pa.DataType, column: str) -> None:
    sound = table()
    cast = sound[column].combine_chunks()
    cast = cast.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else cast.cast(kind)
    outcome = read_table(table(**{column: cast}))
    assert (outcome.ids, outcome.rejects, outcome.failures) == (["e0", "e1", "e2"], [], [])
    assert outcome.events == read_table(sound).events


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai", "-05:00"])
def test_times_of_any_unit_and_zone(read_table, unit: str, zone: str | None) -> None:
    times = pa.array([NOON.replace(tzinfo=None)] * 3, pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    outcome = read_table(table(time=times, signed_up=times))
    assert {event["time"] for event in outcome.events} == {event["signed_up"] for event in outcome.events} == {NOON}


@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("ticks", [2**62, -(2**62)])
def test_times_outside_the_calendar_are_refused(read_table, unit: str, ticks: int) -> None:
    times = pa.array([0, ticks, 0]).cast(pa.timestamp(unit))
    outcome = read_table(table(time=times))
    assert outcome.ids == ["e0", "e2"]
    assert outcome.reasons == [(2, "time is out of range")]


def test_all_columns_come_through(read_table) -> None:
    network = pa.array([{"asn": 64500, "country": "XX", "more": 1.5}, None, {"asn": None, "country": None, "more": 1}])
    sound = table(
        **{name: pa.array([name, None, ""]) for name in ("session", "org", "key_id", "end_user", "client", "device")},
        network=network,
        payment=pa.array(["p", "", None]),
        signed_up=pa.array(["2025-01-01", None, "2025-01-01T00:00:00+08:00"]),
        tokens_in=pa.array([1, None, 3], pa.uint64()),
        tokens_out=pa.array([1.0, float("nan"), None], pa.float32()),
        status=pa.array(["ok", None, "refused"]),
        attributes=pa.array(['{"a": [1]}', None, " {} "]),
        unknown=pa.array([[1], [2], [3]]),
        lang=pa.nulls(3),
    )
    first, second, third = read_table(sound).events
    assert first["network"] == {"asn": "64500", "country": "XX"} and second["network"] is None
    assert third["network"] == {"asn": None, "country": None}
    assert (first["session"], second["org"], third["device"]) == ("session", None, "")
    assert [event["tokens_in"] for event in (first, second, third)] == [1, None, 3]
    assert [event["tokens_out"] for event in (first, second, third)] == [1, None, None]
    assert third["signed_up"] == datetime(2024, 12, 31, 16, tzinfo=UTC)
    assert first["attributes"] == '{"a": [1]}'


def test_a_network_may_be_a_text(read_table) -> None:
    assert read_table(table(network=pa.array(["AS1", None, "AS2"]))).events[0]["network"] == {
        "asn": "AS1",
        "country": None,
    }


BAD_ROWS = {
    **{
        f"null {name}": ({name: texts(None)}, f"{name} is missing")
        for name in ("id", "time", "account", "role", "text")
    },
    **{f"{name} of bad bytes": ({name: texts(b"a\xff")}, f"{name} is not UTF-8") for name in ("id", "account", "text")},
    "surrogate bytes": ({"text": texts(b"\xed\xa0\x80")}, "text is not UTF-8"),
    "session of bad bytes": ({"session": texts(b"\xc0\xaf")}, "session is not UTF-8"),
    "time of bad bytes": ({"time": texts(b"2025-03-01T12:00:00\xff")}, "time is not ISO 8601"),
    "time": ({"time": texts("yesterday")}, "time is not ISO 8601"),
    "signed_up": ({"signed_up": texts("yesterday")}, "signed_up is not ISO 8601"),
    "role": ({"role": texts("human")}, "unknown role"),
    "role of bad bytes": ({"role": texts(b"\xff")}, "role is not UTF-8"),
    "status": ({"status": texts("fine")}, "unknown status"),
    "empty id": ({"id": texts("")}, "id is empty"),
    "long id": ({"id": texts("x" * 513)}, "id is 513 bytes, limit 512"),
    "long text": ({"text": texts("x" * (TEXT_BYTES + 1))}, f"text is {TEXT_BYTES + 1} bytes, limit {TEXT_BYTES}"),
    "negative tokens": ({"tokens_in": pa.array([-1], pa.int32())}, "tokens_in is not a whole number"),
    "half tokens": ({"tokens_in": pa.array([1.5])}, "tokens_in is not a whole number"),
    "endless tokens": ({"tokens_in": pa.array([float("inf")])}, "tokens_in is not a whole number"),
    "too many tokens": ({"tokens_out": pa.array([2**63], pa.uint64())}, "tokens_out is not a whole number"),
    "attributes": ({"attributes": texts("[]")}, "attributes is not a JSON object"),
    "attributes cut off": ({"attributes": texts('{"a": ')}, "attributes is not a JSON object"),
    "attributes with more": ({"attributes": texts("{} {}")}, "attributes is not a JSON object"),
    "attributes of bad bytes": ({"attributes": texts(b'{"a":"\xff"}')}, "attributes is not UTF-8"),
    "attributes nest": ({"attributes": texts('{"a":' * 101 + "1" + "}" * 101)}, "attributes is nested deeper than 100"),
    "attributes never close": ({"attributes": texts("{" * 4000)}, "attributes is not a JSON object"),
    "country": (
        {"network": pa.array([{"asn": "1", "country": "x" * 4097}])},
        "network.country is 4097 bytes, limit 4096",
    ),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused_and_the_others_survive(read_table, name: str) -> None:
    columns, why = BAD_ROWS[name]
    sound = table(3)
    mixed = []
    for column, bad in columns.items():
        good = sound[column].combine_chunks()[0] if column in sound.column_names else None
        values = (
            pa.array([good and good.as_py()], pa.string()) if pa.types.is_string(bad.type) else pa.nulls(1, bad.type)
        )
        mixed.append((column, pa.concat_arrays([values, bad, values])))
    given = dict(mixed)
    if "id" in given:
        given["id"] = pa.concat_arrays([texts("e0"), columns["id"], texts("e2")])
    outcome = read_table(table(3, **given))
    assert (outcome.ids, outcome.reasons, outcome.failures) == (["e0", "e2"], [(2, why)], [])


def test_positions_run_through_row_groups_and_batches(read_table) -> None:
    rows = 40_000
    roles = pa.array(["human" if n % 5_000 == 4_999 else "user" for n in range(rows)])
    outcome = read_table(table(rows, role=roles), row_group_size=7_000)
    assert [position for position, _ in outcome.reasons] == [n for n in range(1, rows + 1) if n % 5_000 == 0]
    assert len(outcome.ids) == rows - 8


@pytest.mark.parametrize("missing", ["id", "time", "account", "role", "text"])
def test_a_missing_column_fails_the_source(read_table, missing: str) -> None:
    outcome = read_table(table(**{missing: None}))
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert str(outcome.failures[0]).endswith(f"has no column {missing}")


WRONG_TYPES = {
    "id": pa.array([1, 2, 3]),
    "time": pa.array([1, 2, 3]),
    "account": pa.array([1.5, 2.5, 3.5]),
    "text": pa.array([["a"], ["b"], ["c"]]),
    "tokens_in": pa.array(["1", "2", "3"]),
    "network": pa.array([1, 2, 3]),
    "attributes": pa.array([{"a": 1}] * 3),
    "signed_up": pa.array([True, False, True]),
    "role": pa.array([1, 2, 3]).dictionary_encode(),
}


@pytest.mark.parametrize("column", WRONG_TYPES)
def test_a_column_of_a_wrong_type_fails_the_source(read_table, column: str) -> None:
    outcome = read_table(table(**{column: WRONG_TYPES[column]}))
    assert outcome.events == []
    assert f"has column {column} of type" in str(outcome.failures[0])


def test_a_column_given_twice_fails_the_source(read_table) -> None:
    sound = table()
    outcome = read_table(sound.append_column("text", sound["text"]))
    assert "has column text twice" in str(outcome.failures[0])


@pytest.fixture
def parquet(tmp_path: Path) -> bytes:
    pq.write_table(table(50_000), tmp_path / "whole.parquet", row_group_size=10_000, compression="zstd")
    return (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.99])
def test_a_cut_off_file_fails(read, parquet: bytes, share: float) -> None:
    outcome = read(parquet[: max(4, int(len(parquet) * share))])
    assert (outcome.events, [type(failure) for failure in outcome.failures]) == ([], [FormatError])
    assert outcome.reasons == [(0, "source cannot be read to its end")]


def test_a_column_name_that_is_not_utf8_fails(read, parquet: bytes) -> None:
    outcome = read(parquet.replace(b"account", b"acco\x8ent"))
    assert (outcome.events, [type(failure) for failure in outcome.failures]) == ([], [FormatError])


def test_row_groups_before_the_damage_are_kept(read, parquet: bytes) -> None:
    groups = pq.ParquetFile(pa.BufferReader(parquet)).metadata
    start = groups.row_group(3).column(0).data_page_offset
    outcome = read(parquet[:start] + b"\xff" * 2_000 + parquet[start + 2_000 :])
    assert [type(failure) for failure in outcome.failures] == [FormatError]
    assert outcome.ids[:20_000] == [f"e{n}" for n in range(20_000)]


@pytest.mark.parametrize("name", ["t.gz", "t.parquet.zst", "t"])
def test_packed_parquet(read, parquet: bytes, name: str) -> None:
    assert len(read(gzip.compress(parquet), name=name).ids) == 50_000


def test_parquet_on_standard_input(tmp_path: Path, parquet: bytes) -> None:
    script = (
        "import sys; from pathlib import Path; from tocsin.traffic import SeenIds, pull\n"
        "with SeenIds(Path(sys.argv[1])) as seen:\n"
        "    print(sum(got.traffic.num_rows for got in pull(['-'], seen=seen)))"
    )
    spill = tmp_path / "spill"
    spill.mkdir()
    ran = subprocess.run([sys.executable, "-c", script, str(spill)], input=parquet, capture_output=True, check=True)
    assert ran.stdout == b"50000\n"
    assert list(spill.iterdir()) == []


@pytest.mark.parametrize("form", ["parquet", "jsonl", "chat"])
def test_a_forced_format_that_is_not_so_fails(read, parquet: bytes, form: str) -> None:
    outcome = read(b"hello\n" if form == "parquet" else parquet[:5_000], form=form)
    assert (outcome.events, [type(failure) for failure in outcome.failures]) == ([], [FormatError])


@pytest.mark.parametrize("form", [None, "parquet"])
def test_an_empty_file_is_no_failure(read, form: str | None) -> None:
    outcome = read(b"", name="t.parquet", form=form)
    assert (outcome.events, outcome.failures) == ([], [])


def test_a_table_without_rows_is_no_failure(read_table) -> None:
    outcome = read_table(table(0))
    assert (outcome.events, outcome.failures) == ([], [])


def test_long_texts_in_a_dictionary_do_not_fill_memory(read_table) -> None:
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * 200, pa.int32()), pa.array(["x" * 1_000_000]))
    outcome = read_table(table(200, text=coded))
    assert len(outcome.ids) == 200
    assert max(batch.num_rows for batch in outcome.batches) <= 16
