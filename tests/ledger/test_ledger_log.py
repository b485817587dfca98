"""A log: durable, idempotent, without gap, whatever happens in the middle of it."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_reference import mth
from ledger_worlds import ORIGIN, Between, World, entries, key, make_log

from tocsin.forms.errors import ConfigError, FormatError, PolicyError, TransportError
from tocsin.ledger.audit import walk
from tocsin.ledger.checkpoint import parse_checkpoint
from tocsin.ledger.edge import Edge, grow, read_record, write_record
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.log import Log
from tocsin.ledger.merkle import EMPTY_ROOT, leaf_hash, verify_inclusion
from tocsin.ledger.policy import LogLine, Policy
from tocsin.ledger.proof import parse_proof, verify_proof
from tocsin.ledger.source import folder_source
from tocsin.ledger.tiles import TileHashes
from tocsin.ledger.tree import Head, Tree


@pytest.mark.parametrize("batches", [[1] * 5, [255, 1, 1], [256], [257, 255], [700, 3, 600]])
def test_a_log_serves_what_was_appended(world: World, batches: list[int]) -> None:
    found, total = entries(sum(batches)), 0
    for count in batches:
        assert world.log.append(found[total : total + count]) == list(range(total, total + count))
        total += count
    note = world.checkpoint()
    world.log.publish(note)
    tree = parse_checkpoint(note.text)
    assert (tree.size, tree.root) == (total, mth(found))
    walk(folder_source(world.folder / "log"), tree, lambda _: None)
    assert world.log.tree.entries(0, total) == found


def test_an_entry_keeps_its_index(world: World) -> None:
    assert world.log.append([b"a", b"b", b"a"]) == [0, 1, 0]
    assert world.log.append([b"c", b"b"]) == [2, 1]
    assert world.log.append([]) == []
    assert make_log(world.folder / "log").append([b"a", b"d"]) == [0, 3]


def test_an_entry_of_any_bytes_up_to_the_limit_is_kept_verbatim(world: World) -> None:
    odd = [b"", b"\0", b"\n", b"x" * 65_535]
    assert world.log.append(odd) == [0, 1, 2, 3]
    assert world.log.tree.entries(0, 4) == odd
    with pytest.raises(ConfigError, match="65536 bytes"):
        world.log.append([b"fits", b"x" * 65_536])
    assert world.log.tree.head().size == 4


def test_proofs_of_every_entry_verify_without_the_log(world: World) -> None:
    found = entries(300)
    world.log.append(found)
    world.log.publish(world.checkpoint())
    policy = Policy((LogLine(world.log_key[0].key),))
    for index in (0, 1, 255, 256, 299):
        proof = parse_proof(world.log.prove(index).encode())
        assert verify_proof(proof, found[index], policy).checkpoint.size == 300
    with pytest.raises(ConfigError, match="300 published"):
        world.log.prove(300)
    with pytest.raises(ConfigError, match="-1"):
        world.log.prove(-1)


def test_nothing_is_proved_before_a_checkpoint(world: World) -> None:
    world.log.append([b"a"])
    assert (world.log.published(), world.log.signed()) == (None, None)
    with pytest.raises(ConfigError, match="0 published"):
        world.log.prove(0)


def test_a_checkpoint_of_nothing(world: World) -> None:
    note = world.checkpoint()
    world.log.publish(note)
    assert parse_checkpoint(note.text).size == 0
    walk(folder_source(world.folder / "log"), parse_checkpoint(note.text), lambda _: None)


def test_what_is_served_never_shrinks(world: World) -> None:
    world.log.append(entries(3))
    first = world.checkpoint()
    world.log.append(entries(5))
    second = world.checkpoint()
    world.log.publish(second)
    world.log.publish(first)
    assert world.log.published() == second
    world.log.publish(second)
    assert world.log.signed() == second


def test_many_writers_of_the_same_and_other_entries(world: World) -> None:
    def write(writer: int) -> list[int]:
        log = make_log(world.folder / "log")
        return [i for n in range(8) for i in log.append([f"shared {n}".encode(), f"{writer}-{n}".encode()])]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(write, range(4)))
    assert world.log.tree.head().size == 8 + 4 * 8
    assert len({tuple(one[0::2]) for one in found}) == 1
    kept = world.log.tree.entries(0, 40)
    for writer, indexes in enumerate(found):
        assert [kept[i] for i in indexes[1::2]] == [f"{writer}-{n}".encode() for n in range(8)]


class BreaksAt:
    """A store whose writes fail from the n-th on, before or after they are done, as at a crash."""

    def __init__(self, store: FileStore, steps: int, *, after: bool) -> None:
        self._store, self._steps, self._after = store, steps, after

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put(self, objects: dict[str, bytes]) -> None:
        self._step(lambda: self._store.put(objects))

    def delete(self, name: str) -> None:
        self._step(lambda: self._store.delete(name))

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        return self._step(lambda: self._store.swap(name, old, new))

    def _step(self, act):  # type: ignore[no-untyped-def]
        self._steps -= 1
        if self._steps < 0 and not self._after:
            raise TransportError("power is gone")
        done = act()
        if self._steps < 0:
            raise TransportError("power is gone")
        return done


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("steps", range(9))
def test_a_crash_at_every_write_loses_nothing_acknowledged(tmp_path: Path, steps: int, after: bool) -> None:
    store = FileStore(tmp_path)
    log = Log(store, LeafIndex(":memory:"), ORIGIN)
    kept = entries(250)
    log.append(kept)
    broken = Log(BreaksAt(store, steps, after=after), LeafIndex(":memory:"), ORIGIN)  # type: ignore[arg-type]
    more = entries(600, "more")
    try:
        acknowledged = broken.append(more)
        broken.publish(broken.sign(key(ORIGIN), 0))
    except TransportError:
        acknowledged = []
    whole = Log(store, LeafIndex(":memory:"), ORIGIN)
    size = whole.tree.head().size
    assert size in ((850,) if acknowledged else (250, 850))
    assert whole.append(kept + more) == list(range(850))
    assert whole.tree.entries(0, 850) == kept + more
    whole.publish(whole.sign(key(ORIGIN), 0))
    walk(folder_source(tmp_path), parse_checkpoint(whole.published().text), lambda _: None)  # type: ignore[union-attr]


def test_a_record_that_no_head_names_is_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    tree = Tree(store, "log", "public")
    store.put({"log/records/2-abc": b"left by a crash", "log/records/odd": b"", "log/records/9-abc": b"ahead"})
    tree.extend(tree.head(), entries(5))
    assert sorted(store.names("log/records/"))[1:] == ["log/records/9-abc", "log/records/odd"]


def test_a_writer_that_was_overtaken_is_told_so(tmp_path: Path) -> None:
    one, two = (Tree(FileStore(tmp_path), "log", "public") for _ in range(2))
    head = one.head()
    assert one.extend(head, [b"a"])
    assert two.extend(head, [b"b"]) is None
    first = two.head()
    assert one.extend(one.head(), [b"c"])
    assert Tree(FileStore(tmp_path), "log", "public").extend(first, [b"d"]) is None
    assert two.entries(0, 2) == [b"a", b"c"]


def test_two_writers_of_the_same_batch_leave_its_record_in_place(tmp_path: Path) -> None:
    other = Tree(FileStore(tmp_path), "log", "public")
    between = Between(tmp_path, "head", lambda: other.extend(other.head(), [b"same"]))
    assert Tree(between, "log", "public").extend(Head(0, EMPTY_ROOT), [b"same"]) is None
    assert Tree(FileStore(tmp_path), "log", "public").entries(0, 1) == [b"same"]


class Overtakes(FileStore):
    """A store in which the tree grows between the reading of its head and of its record."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._once = True

    def get(self, name: str) -> bytes | None:
        if "records/" in name and self._once:
            self._once = False
            other = Tree(FileStore(self._root), "log", "public")
            other.extend(other.head(), [b"later"])
        return super().get(name)


def test_a_reader_that_was_overtaken_reads_again(tmp_path: Path) -> None:
    tree = Tree(FileStore(tmp_path), "log", "public")
    tree.extend(tree.head(), [b"a"])
    assert Tree(Overtakes(tmp_path), "log", "public").hashes()(0, 1) == leaf_hash(b"later")


def test_what_is_missing_in_the_store_is_named(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    tree = Tree(store, "log", "public")
    tree.extend(tree.head(), entries(300))
    store.delete("public/tile/entries/000")
    with pytest.raises(TransportError, match="tile/entries/000 is missing"):
        tree.entries(0, 1)
    for name in list(store.names("log/records/")):
        store.delete(name)
    with pytest.raises(TransportError, match="record of the tree of 300 leaves is gone"):
        Tree(store, "log", "public").root(300)


@pytest.mark.parametrize("raw", [b"", b"1\n", b"1\n" + b"A" * 44 + b"\n", b"x\n\n", b"1\n\n\n"])
def test_a_head_that_is_none(tmp_path: Path, raw: bytes) -> None:
    store = FileStore(tmp_path)
    store.put({"log/head": raw or b"\n"})
    with pytest.raises(FormatError):
        Tree(store, "log", "public").head()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=4), st.integers(0, 600))
def test_a_record_holds_all_that_comes_of_it(batches: list[int], extra: int) -> None:
    edge = Edge()
    for n, count in enumerate(batches):
        batch = entries(count, f"{n}")
        assert read_record(write_record(edge, batch)) == (edge, tuple(batch))
        edge = grow(edge, batch).edge
    assert edge.size == sum(batches)


def test_the_index_of_leaves_is_made_anew_when_lost_or_of_another_tree(world: World) -> None:
    world.log.append(entries(700))
    other = LeafIndex(":memory:")
    stranger = Tree(FileStore(world.folder), "other", "other")
    stranger.extend(stranger.head(), entries(900, "stranger"))
    other.follow(stranger)
    for index in (LeafIndex(":memory:"), other):
        log = Log(FileStore(world.folder / "log"), index, ORIGIN)
        assert log.append([b"entry 5", b"stranger 5", b"entry 699"])[::2] == [5, 699]
    assert world.log.append([b"stranger 5"]) == [700]


def test_an_index_takes_nothing_in_that_does_not_continue_it(world: World) -> None:
    """A slow writer comes with its leaves after another has emptied the index, or has gone on with it."""
    index, tree = LeafIndex(":memory:"), world.log.tree
    world.log.append(entries(10))
    old = tree.head()
    world.log.append(entries(15))
    index.add(old, tree.head(), tree.leaves(10, 15))
    assert index.find([leaf_hash(b"entry 12")]) == {}
    assert index.follow(tree) == tree.head()
    index._forget(old)
    assert index.find([leaf_hash(b"entry 2")]) == {leaf_hash(b"entry 2"): 2}


def test_an_index_that_is_ahead_of_a_restored_tree_is_made_anew(world: World) -> None:
    index = LeafIndex(":memory:")
    world.log.append(entries(10))
    index.follow(world.log.tree)
    small = make_log(world.folder / "small")
    small.append(entries(4))
    index.follow(small.tree)
    assert index.find([leaf_hash(b"entry 3"), leaf_hash(b"entry 9")]) == {leaf_hash(b"entry 3"): 3}


def test_an_index_that_lags_is_brought_up(world: World) -> None:
    lagging = LeafIndex(":memory:")
    log = Log(FileStore(world.folder / "log"), lagging, ORIGIN)
    log.append(entries(10))
    world.log.append(entries(400))
    assert log.append([b"entry 399"]) == [399]


def test_an_index_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "leaves.db").write_bytes(b"no database" * 500)
    with pytest.raises(TransportError) as told:
        LeafIndex(str(tmp_path / "leaves.db"))
    assert "remove leaves.db" in told.value.hint
    index = LeafIndex(str(tmp_path / "other.db"))
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("DROP TABLE seen")
    with pytest.raises(TransportError):
        index.add(Head(0, EMPTY_ROOT), Head(1, bytes(32)), [bytes(32)])
    assert index.find([bytes(32)]) == {}


def test_a_log_that_lost_what_it_signed_signs_nothing_more(world: World, tmp_path: Path) -> None:
    """The tree was restored from a backup, the last signature was not."""
    world.log.append(entries(5))
    world.checkpoint()
    store = FileStore(world.folder / "log")
    small = Tree(FileStore(tmp_path / "small"), "log", "public")
    (tmp_path / "small").mkdir(exist_ok=True)
    small.extend(small.head(), entries(4))
    restored = FileStore(tmp_path / "small")
    restored.put({"log/signed": store.get("log/signed") or b""})
    with pytest.raises(PolicyError, match="signed 5 entries and holds 4"):
        make_log(tmp_path / "small").sign(world.log_key, 0)


def test_a_log_that_holds_another_tree_than_it_signed_signs_nothing_more(world: World) -> None:
    world.log.append(entries(5))
    world.log.publish(world.checkpoint())
    other = make_log(world.folder / "other")
    other.append(entries(6, "other"))
    FileStore(world.folder / "other").put(
        {"public/checkpoint": FileStore(world.folder / "log").get("public/checkpoint") or b""}
    )
    with pytest.raises(PolicyError, match="another tree of 5"):
        other.sign(world.log_key, 0)


def test_who_signs_or_publishes_second_looks_again(world: World) -> None:
    def grow_to(size: int) -> Callable[[], None]:
        def act() -> None:
            world.log.append(entries(size))
            world.log.publish(world.checkpoint())

        return act

    def log_with(name: str, size: int) -> Log:
        return Log(Between(world.folder / "log", name, grow_to(size)), LeafIndex(":memory:"), ORIGIN)

    grow_to(3)()
    first = log_with("signed", 5).sign(world.log_key, 0)
    assert parse_checkpoint(first.text).size == 5
    log_with("public/checkpoint", 9).publish(first)
    assert parse_checkpoint(world.log.published().text).size == 9  # type: ignore[union-attr]
    with pytest.raises(ConfigError, match="signed a checkpoint already"):
        world.log.adopt(first)


def test_two_who_sign_at_once_both_sign_what_the_log_holds(world: World) -> None:
    world.log.append(entries(20))
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda n: make_log(world.folder / "log").sign(world.log_key, n), range(12)))
    for note in notes:
        world.log.publish(note)
    assert {parse_checkpoint(note.text).size for note in notes} == {20}


def test_hashes_keep_a_bounded_number_of_tiles() -> None:
    read = []

    def tile(level: int, index: int, width: int) -> bytes:
        read.append(index)
        return bytes(32 * width)

    hashes = TileHashes(tile, 600 * 256)
    for index in [*range(600), 599, 0]:
        hashes(0, index * 256)
    assert read == [*range(600), 0]


def test_every_entry_is_where_its_proof_says(world: World) -> None:
    found = entries(40)
    world.log.append(found)
    world.log.publish(world.checkpoint())
    root = world.log.tree.root(40)
    for index in range(40):
        verify_inclusion(index, 40, leaf_hash(found[index]), world.log.prove(index).path, root)
