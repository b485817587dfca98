"""Which leaf hashes a tree holds and where, so that no entry is taken twice. Made anew from the tree when lost."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tocsin.forms.errors import TransportError
from tocsin.ledger.merkle import EMPTY_ROOT
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

    def follow(self, tree: Tree) -> Head:
        """Read from the tree what the index lacks, all of it where the two differ; give the head that is covered."""
        while True:
            seen = self._seen()
            head = tree.head()  # read after `seen`, which is never ahead of the tree it was made from
            if seen == head:
                return head
            if seen.size > head.size or tree.root(seen.size) != seen.root:
                self._forget(seen)
            else:
                self._step(tree, seen, head)

    def add(self, old: Head, new: Head, leaves: Sequence[bytes]) -> None:
        """Take in the leaf hashes between two heads, if the index is at the first; who follows does the rest."""
        with _told(), self._writing():
            if self._seen() == old:
                rows = ((leaf, at) for at, leaf in enumerate(leaves, old.size))
                self._db.executemany("INSERT OR IGNORE INTO leaf VALUES (?, ?)", rows)
                self._db.execute("INSERT OR REPLACE INTO seen VALUES (1, ?, ?)", (new.size, new.root))

    def find(self, leaves: Iterable[bytes]) -> dict[bytes, int]:
        """Find the indexes of those leaf hashes that the tree holds."""
        found = {}
        with _told():
            for leaf in leaves:
                row = self._db.execute("SELECT at FROM leaf WHERE hash = ?", (leaf,)).fetchone()
                if row:
                    found[leaf] = int(row[0])
        return found

    def _seen(self) -> Head:
        """Tell which tree the index covers."""
        with _told():
            row = self._db.execute("SELECT size, root FROM seen").fetchone()
        return Head(*row) if row else Head(0, EMPTY_ROOT)

    def _step(self, tree: Tree, seen: Head, head: Head) -> None:
        end = min(seen.size + _STEP, head.size)
        new = head if end == head.size else Head(end, tree.root(end))
        self.add(seen, new, tree.leaves(seen.size, end))

    def _forget(self, seen: Head) -> None:
        """Empty the index, unless it has changed since it was found to be of another tree."""
        with _told(), self._writing():
            if self._seen() == seen:
                self._db.execute("DELETE FROM leaf")
                self._db.execute("DELETE FROM seen")

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
