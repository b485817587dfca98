"""Keep the leads in force at hand, and read them anew when they have changed."""

import threading
from dataclasses import dataclass, field

from tocsin.node.db import Database
from tocsin.node.leads.book import LeadBook
from tocsin.node.stores import leads

LOOK_US = 1_000_000  # a change is seen after so long at most
AGAIN_US = 60_000_000  # and that a lead has run out


@dataclass
class LeadShelf:
    """Give the book of leads in force; safe to call from several threads."""

    database: Database
    _book: LeadBook = field(default_factory=LeadBook, init=False)
    _version: int = field(default=-1, init=False)
    _looked: int | None = field(default=None, init=False)
    _read: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def book(self, now: int) -> LeadBook:
        """Return the leads in force; `now` is in microseconds.

        Errors: TransportError where the database cannot be used.
        """
        with self._lock:
            if self._looked is None or not 0 <= now - self._looked < LOOK_US:
                self._look(now)
                self._looked = now
            return self._book

    def _look(self, now: int) -> None:
        with self.database.reading() as connection:
            version = leads.version(connection)
            if version == self._version and 0 <= now - self._read < AGAIN_US:
                return
            in_force = leads.in_force(connection, now)
        if version != self._version or in_force != self._book.leads:
            self._book = LeadBook(in_force)
        self._version, self._read = version, now
