"""Sessions add up in memory that is capped: what comes out is the same however little is held."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.flow.sessions import SessionRuns
from tocsin.forms import SESSIONS
from tocsin.screen.classifier import merge_sessions, of_accounts

START = datetime(2026, 1, 1, tzinfo=UTC)
row = st.tuples(st.sampled_from(["s", "t", "ü", "书", "", "s2"]), st.sampled_from(["a", "b", None]), st.integers(0, 9))


def partial(rows: list[tuple[str, str | None, int]]) -> pa.Table:
    names = ("turns", "weight", "features", "bad", "refused")
    time = [START + timedelta(minutes=n) for _, _, n in rows]
    columns = {"session": [r[0] for r in rows], "account": [r[1] for r in rows]} | {
        n: [r[2] for r in rows] for n in names
    }
    return merge_sessions(
        [pa.table(columns | {"worst": [r[2] / 10 for r in rows], "first": time, "last": time}, SESSIONS)]
    )


def whole(parts: list[pa.Table]) -> pa.Table:
    merged = merge_sessions(parts)
    return pa.concat_tables([merged, of_accounts(merged)])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("runs")
    return (base / str(n) for n in range(1 << 20))


@settings(max_examples=60)
@given(st.lists(st.lists(row, max_size=8), max_size=8), st.integers(1, 12))
def test_the_same_sessions_come_out_however_little_is_held(folders: Iterator[Path], told: list, most: int) -> None:
    runs, parts = SessionRuns(next(folders), most), [partial(rows) for rows in told]
    for part in parts:
        runs.add(part)
        assert runs.held <= most
    assert pa.concat_tables(list(runs.merged())).equals(whole(parts))


def test_no_more_is_merged_at_once_than_is_held(tmp_path: Path) -> None:
    runs = SessionRuns(tmp_path / "runs", most=100)
    parts = [partial([(f"s{(n * 7919 + k * 104_729) % 5000:04}", "a", 1) for k in range(40)]) for n in range(60)]
    for part in parts:
        runs.add(part)
    *pieces, accounts = runs.merged()
    assert pa.concat_tables(pieces).equals(merge_sessions(parts))
    assert max(map(len, pieces)) <= 100
    assert accounts["turns"].to_pylist() == [2400]
