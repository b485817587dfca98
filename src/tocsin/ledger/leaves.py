"""Which leaf hashes a tree holds and where, so that no entry is taken twice. Made anew from the tree when lost."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tocsin.forms.errors import TransportError
from tocsin.ledger.tree import Head, Tree

_TABLES = """
CREATE TABLE IF NOT EXISTS leaf (hash BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
"""
_STEP = 65_536


class LeafIndex:
    """Keep the index in a SQLite file, or in memory with ':memory:'."""

    def __init__(self, path: str) -> None:
        with _told():
            self._db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # what a crash loses is read from the tree again
            self._db.executescript(_TABLES)

    def follow(self, tree: Tree, head: Head) -> None:
        """Read from the tree what the index lacks up to `head`, from the beginning where the two differ."""
        size = self._size(tree, head)
        while size < head.size:
            end = min(size + _STEP, head.size)
            root = head.root if end == head.size else tree.root(end)
            self.add(Head(end, root), size, tree.leaves(size, end))
            size = end

    def add(self, head: Head, start: int, leaves: Sequence[bytes]) -> None:
        """Take in the leaf hashes from `start` on; with them the index is at `head`."""
        with _told(), self._writing():
            self._db.executemany(
                "INSERT OR IGNORE INTO leaf VALUES (?, ?)", ((leaf, at) for at, leaf in enumerate(leaves, start))
            )
            self._db.execute("INSERT OR REPLACE INTO seen VALUES (1, ?, ?)", (head.size, head.root))

    def find(self, leaves: Iterable[bytes]) -> dict[bytes, int]:
        """Find the indexes of those leaf hashes that the tree holds."""
        found = {}
        with _told():
            for leaf in leaves:
                row = self._db.execute("SELECT at FROM leaf WHERE hash = ?", (leaf,)).fetchone()
                if row:
                    found[leaf] = int(row[0])
        return found

    def _size(self, tree: Tree, head: Head) -> int:
        """Tell how far the index goes; it is emptied where it is not the beginning of the tree."""
        with _told():
            row = self._db.execute("SELECT size, root FROM seen").fetchone()
            size, root = row or (0, b"")
            if (
                row is None
                or (size == head.size and root == head.root)
                or (size < head.size and tree.root(size) == root)
            ):
                return int(size)
            self._db.executescript("BEGIN; DELETE FROM leaf; DELETE FROM seen; COMMIT")
            return 0

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise TransportError(
            f"the index of leaves cannot be used: {error}", hint="remove leaves.db; it is made again from the tree"
        ) from error
