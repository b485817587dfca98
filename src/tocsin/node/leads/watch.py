"""Have the leads in force at hand where nobody may wait for the database."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from tocsin.forms import TocsinError
from tocsin.node.leads.book import LeadBook
from tocsin.node.leads.lead import Lead
from tocsin.node.leads.shelf import LOOK_US, LeadShelf
from tocsin.screen import ASKING
from tocsin.traffic import hash_identifier


@dataclass
class LeadWatch:
    """Answer from the leads that were read last, and have them read anew beside the requests."""

    shelf: LeadShelf
    identity: bytes = field(repr=False)
    now: Callable[[], int]
    _book: LeadBook = field(default_factory=LeadBook, init=False)
    _read: int | None = field(default=None, init=False)
    _reading: "asyncio.Task[None] | None" = field(default=None, init=False)

    async def about(self, said: Sequence[tuple[str, str]], account: str | None) -> list[Lead]:
        """Return the leads that speak of a request; said: (role, text) of its messages, account: in clear."""
        await self._look()
        if not self._book.leads:
            return []
        hashed = hash_identifier(account, self.identity) if account else None
        return self._book.about([text for role, text in said if role in ASKING], hashed)

    async def _look(self) -> None:
        now = self.now()
        if self._reading is None and (self._read is None or not 0 <= now - self._read < LOOK_US):
            self._reading = asyncio.create_task(self._refresh(now))
            if self._read is None:
                await self._reading

    async def _refresh(self, now: int) -> None:
        try:
            self._book = await run_in_threadpool(self.shelf.book, now)
        except TocsinError:  # checks go on with the leads known last while the database is away
            pass
        finally:
            self._read, self._reading = now, None
