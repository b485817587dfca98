"""Many threads share one log: each gets its own indexes, and a failure reaches those whom it concerns."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from ledger_worlds import Between, World, entries

from tocsin.forms.errors import ConfigError, TransportError
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.grouping import GroupedLog, _Call
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.log import Log


def test_threads_share_the_steps_and_not_the_indexes(world: World) -> None:
    grouped, found = GroupedLog(world.log), entries(400)
    with ThreadPoolExecutor(16) as pool:
        indexes = list(pool.map(lambda n: grouped.append(found[2 * n : 2 * n + 2]), range(200)))
    kept = world.log.tree.entries(0, 400)
    assert [kept[i] for pair in indexes for i in pair] == found
    assert grouped.append([]) == []


def test_a_failure_reaches_all_who_waited_and_ends_with_them(world: World, tmp_path: Path) -> None:
    def fail() -> None:
        raise TransportError("the disk is gone")

    grouped = GroupedLog(Log(Between(tmp_path, "head", fail), LeafIndex(":memory:"), "o"))
    with pytest.raises(TransportError, match="gone"):
        grouped.append([b"a"])
    assert grouped.append([b"a"]) == [0]


def test_who_waits_for_a_thread_that_is_broken_off_is_told(world: World, tmp_path: Path) -> None:
    """The serving thread is interrupted while another waits; neither takes that for success."""
    reached, go_on = Event(), Event()

    def interrupt() -> None:
        reached.set()
        go_on.wait(10)
        raise KeyboardInterrupt

    grouped = GroupedLog(Log(Between(tmp_path, "head", interrupt), LeafIndex(":memory:"), "o"))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(grouped.append, [b"a"])
        reached.wait(10)
        second = pool.submit(grouped.append, [b"b"])
        go_on.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(10)
        assert second.result(10) == [0]


def test_whose_call_was_taken_by_a_broken_thread_is_told(tmp_path: Path) -> None:
    grouped = GroupedLog(Log(FileStore(tmp_path), LeafIndex(":memory:"), "o"))
    stranded = _Call([b"a"], served=True)
    stranded.woken.set()
    with pytest.raises(TransportError, match="broken off"):
        grouped._result(stranded)


def test_an_entry_that_is_too_long_is_its_callers_own_matter(world: World) -> None:
    with pytest.raises(ConfigError, match="65536 bytes"):
        GroupedLog(world.log).append([b"x" * 65_536])
