"""Rows that wait on disk: all of them come back, in their order, and leave nothing behind."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.flow.spill import SpilledTables
from tocsin.forms import SCORES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spill")


def scores(names: list[str]) -> pa.Table:
    return pa.Table.from_pylist([{"event_id": name, "kind": None, "score": len(name)} for name in names], SCORES)


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=20), max_size=6))
def test_what_was_spilled_comes_back_whole(folder: Path, named: list[list[str]]) -> None:
    tables, spilled = [scores(names) for names in named], SpilledTables(folder)
    for table in tables:
        spilled.append(table)
    nothing = SCORES.empty_table()
    assert list(folder.iterdir()) == []
    found = pa.concat_tables([nothing, *spilled])
    del spilled  # what was read outlives it
    assert found.equals(pa.concat_tables([nothing, *tables]))
    found.validate(full=True)


def test_nothing_spilled_is_nothing_read(folder: Path) -> None:
    assert list(SpilledTables(folder)) == []
