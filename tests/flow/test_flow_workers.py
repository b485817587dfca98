"""Workers are forks of one process: each batch comes out as it would alone, in its order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from small_runs import traffic
from tocsin.flow import Judging, Recipe
from tocsin.flow.parts import TABLES, PartStore
from tocsin.flow.workers import screen_batches
from tocsin.forms import TRAFFIC, TransportError
from tocsin.screen import Screened
from tocsin.standard.vectorscan import Database
from tocsin.text import Demand, fold_batch

WORKERS = 4


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    events = [{**row, "event_id": row["id"]} for row in traffic(rows)]
    given = {name: pa.array([event.get(name) for event in events], pa.string()) for name in events[0]}
    given["time"] = given["time"].cast(TRAFFIC.field("time").type)
    columns = [given.get(f.name, pa.nulls(rows, f.type)) for f in TRAFFIC]
    whole = pa.RecordBatch.from_arrays(columns, schema=TRAFFIC)
    return [whole.slice(at, size) for at in range(0, rows, size)]


def same(one: Screened, other: Screened) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in TABLES)


@pytest.mark.parametrize("stage", ["first", "second"])
def test_many_small_batches_come_out_as_by_one_worker(standard: Path, tmp_path: Path, stage: str) -> None:
    detectors = Recipe(standard, None, keep_evidence=True, judging=Judging(stage=stage)).detectors()
    given = batches(1200, 40)
    alone = list(screen_batches(given, PartStore(tmp_path / "alone", "x"), detectors))
    together = list(screen_batches(given, PartStore(tmp_path / "together", "x"), detectors, WORKERS))
    assert len(alone) == len(together) == 30
    assert all(map(same, alone, together))
    assert sum(len(s.findings) for s in alone) > 30


def test_a_part_is_named_by_every_byte_that_decides_it(tmp_path: Path) -> None:
    one, other = batches(40, 20)
    changed = one.set_column(5, one.schema.field(5), pa.array(["x", *one["text"].to_pylist()[1:]]))
    store = PartStore(tmp_path / "a", "x")
    names = {store.path(b).name for b in (one, other, changed, one.slice(1), one.slice(0, 19))}
    names |= {PartStore(tmp_path / "a", "y").path(one).name, PartStore(tmp_path / "b", "x").path(one).name}
    assert len(names) == 7
    assert PartStore(tmp_path / "a", "x").path(batches(40, 20)[0]) == store.path(one)


def test_parts_of_a_folder_that_lost_its_key_are_made_again(tmp_path: Path) -> None:
    (batch,) = batches(20, 20)
    before = PartStore(tmp_path, "x").path(batch)
    (tmp_path / "key").write_bytes(b"half")
    after = PartStore(tmp_path, "x").path(batch)
    assert after != before
    assert PartStore(tmp_path, "x").path(batch) == after


def test_what_fails_in_a_worker_fails_the_run_and_the_rest_is_left(standard: Path, tmp_path: Path) -> None:
    detectors = Recipe(standard, None, keep_evidence=True).detectors()

    def given() -> Iterator[pa.RecordBatch]:
        yield from batches(80, 40)
        yield pa.RecordBatch.from_pylist([{"nothing": 1}])
        yield from batches(4000, 40)[2:]

    parts = PartStore(tmp_path / "parts", "x")
    with pytest.raises(KeyError):
        list(screen_batches(given(), parts, detectors, WORKERS))
    assert len(list((tmp_path / "parts").glob("*.part"))) < 20


def test_a_part_that_is_gone_is_told_as_such(tmp_path: Path) -> None:
    store = PartStore(tmp_path, "x")
    with pytest.raises(TransportError, match="was lost"):
        store.take(store.path(batches(20, 20)[0]))


def test_the_fallback_scanner_has_one_scratch_space_and_takes_turns() -> None:
    words = [f"word{n:03}" for n in range(300)]
    database = Database.of([Demand(((word,),)) for word in words], None)
    folded = fold_batch(pa.array([" ".join(words[n::7]) for n in range(200)], pa.string()))
    columns = np.zeros(200, dtype=np.uint8)
    alone = database.meet(folded.buffer, folded.offsets, columns)
    with ThreadPoolExecutor(WORKERS) as pool:
        together = list(pool.map(lambda _: database.meet(folded.buffer, folded.offsets, columns), range(40)))
    assert len(alone) > 1000
    assert all(np.array_equal(alone, found) for found in together)
