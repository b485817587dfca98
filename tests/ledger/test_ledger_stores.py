"""One contract for every store: what is put is there, registers change only from what they held, whoever tries."""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, event, text

from tocsin.forms.errors import ConfigError, TransportError
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.sql_store import SqlStore
from tocsin.ledger.stores import Store
from tocsin.ledger.tree import Tree

POSTGRES = "TOCSIN_TEST_POSTGRES"


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "file":
        yield FileStore(tmp_path)
    elif request.param == "sqlite":
        yield SqlStore(f"sqlite:///{tmp_path}/store.db")
    elif url := os.environ.get(POSTGRES):
        schema = f"ledger_{uuid4().hex}"
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield SqlStore(f"{url}?options=-csearch_path%3D{schema}")
        with engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    else:
        pytest.skip(f"{POSTGRES} names no database")


def test_what_was_put_is_there(store: Store) -> None:
    assert store.get("tile/0/000") is None
    store.put({"tile/0/000": b"a", "tile/0/000.p/1": b"b", "empty": b""})
    assert [store.get(name) for name in ("tile/0/000", "tile/0/000.p/1", "empty")] == [b"a", b"b", b""]
    store.put({"tile/0/000": b"c"})
    assert store.get("tile/0/000") == b"c"
    store.put({})


def test_what_was_removed_is_gone(store: Store) -> None:
    store.put({"records/5": b"a", "records/6": b"b"})
    store.delete("records/5")
    store.delete("records/5")
    assert store.get("records/5") is None
    assert list(store.names("records/")) == ["records/6"]


def test_names_are_those_of_one_folder(store: Store) -> None:
    store.put({"records/b": b"", "records/a": b"", "records2/c": b"", "other": b""})
    assert list(store.names("records/")) == ["records/a", "records/b"]
    assert list(store.names("nothing/")) == []


def test_a_register_changes_only_from_what_it_held(store: Store) -> None:
    assert store.read("head") is None
    assert not store.swap("head", b"1", b"2")
    assert store.swap("head", None, b"1")
    assert not store.swap("head", None, b"2")
    assert not store.swap("head", b"0", b"2")
    assert store.swap("head", b"1", b"2")
    assert store.swap("head", b"2", b"2")
    assert store.read("head") == store.get("head") == b"2"


def test_of_many_who_swap_at_once_one_succeeds(store: Store) -> None:
    store.swap("head", None, b"0")
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            old = store.read("head")
            won = list(
                pool.map(lambda n, old=old, turn=turn: store.swap("head", old, f"{turn}-{n}".encode()), range(8))
            )
            assert sum(won) == 1
            assert store.read("head") == f"{turn}-{won.index(True)}".encode()


def test_of_many_who_create_at_once_one_succeeds(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda n: store.swap("new", None, f"{n}".encode()), range(8))) == 1


def test_many_may_put_the_same_at_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put({f"tile/0/{m:03d}": bytes([m]) for m in range(10)}), range(8)))
    assert [store.get(f"tile/0/{m:03d}") for m in range(10)] == [bytes([m]) for m in range(10)]


def test_a_tree_grows_by_many_writers_without_gap_or_repeat(store: Store) -> None:
    def write(writer: int) -> None:
        tree = Tree(store, "log", "public")
        for n in range(6):
            entries = [f"{writer}-{n}-{i}".encode() for i in range(40)]
            while tree.extend(tree.head(), entries) is None:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    tree = Tree(store, "log", "public")
    assert tree.head().size == 4 * 6 * 40
    found = tree.entries(0, 960)
    assert sorted(found) == sorted(f"{w}-{n}-{i}".encode() for w in range(4) for n in range(6) for i in range(40))
    assert tree.root(960) == tree.head().root
    assert list(store.names("log/records/")) == [name for name in store.names("log/records/") if "/960-" in name]


@pytest.mark.parametrize("name", ["", "/x", "a//b", "../x", "a/../b", ".lock", "a/", "a/.part-1"])
def test_a_file_store_keeps_to_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name"):
        FileStore(tmp_path).get(name)


def test_a_file_store_says_what_it_cannot_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = FileStore(tmp_path)
    for act in (
        lambda: store.put({"file/below": b""}),
        lambda: store.get("file/below"),
        lambda: store.delete("file/x"),
    ):
        with pytest.raises(TransportError, match="cannot be"):
            act()
    with pytest.raises(TransportError, match="cannot be locked"):
        FileStore(tmp_path / "absent").swap("a", None, b"")


def test_a_database_store_puts_again_what_another_put_meanwhile(tmp_path: Path) -> None:
    store, met = SqlStore(f"sqlite:///{tmp_path}/store.db"), []

    def first(connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith("INSERT") and not met:
            met.append(statement)
            connection.execute(text("INSERT INTO ledger_objects (name, raw) VALUES ('a', x'00')"))

    event.listen(store._engine, "before_cursor_execute", first)
    store.put({"a": b"1"})
    assert met and store.get("a") == b"1"


def test_a_database_store_says_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="database cannot be used"):
        SqlStore(f"sqlite:///{tmp_path}/no/such/folder.db")
    store = SqlStore(f"sqlite:///{tmp_path}/store.db")
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("DROP TABLE ledger_registers")
    with pytest.raises(TransportError, match="database cannot be used"):
        store.read("head")
