"""Requests that come at the same time, judged as one batch: a batch of eight costs hardly more than one of one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tocsin.flow import Checked, Request
from tocsin.node.refusals import BusyError

Check = Callable[[Sequence[Request]], list[Checked]]
COLLECT_SECONDS = 0.001
MOST_TOGETHER = 64
INLINE_CHARACTERS = 16_384  # more of them in a batch leave the loop free for others by way of a thread


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    size: int
    answer: "asyncio.Future[Checked]"


@dataclass
class Batches:
    """Judge at once what comes alone; what comes less than `collect` seconds after a batch makes the next one."""

    check: Check
    most_waiting: int = 2000
    collect: float = COLLECT_SECONDS
    _waiting: list[_Waiting] = field(default_factory=list)
    _armed: bool = False
    _away: int = 0  # requests that a thread judges
    _next: float = 0.0  # when the next batch may be judged

    async def ask(self, request: Request) -> Checked:
        """Judge a request.

        Errors: BusyError where too many wait.
        """
        if len(self._waiting) + self._away >= self.most_waiting:
            raise BusyError(f"{len(self._waiting) + self._away} requests wait to be checked")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, sum(len(m.text) for m in request.messages), loop.create_future())
        self._waiting.append(waiting)
        if not self._armed:
            self._armed = True
            loop.call_at(max(loop.time(), self._next), self._judge)
        return await waiting.answer

    def _judge(self) -> None:
        loop = asyncio.get_running_loop()
        self._armed = False
        batch = [w for w in self._waiting[:MOST_TOGETHER] if not w.answer.done()]
        del self._waiting[:MOST_TOGETHER]
        if self._waiting:
            self._armed = True
            loop.call_soon(self._judge)
        small, large = _parted(batch)
        if small:
            _answer(small, self._judged(small))
        if large:
            self._away += len(large)
            loop.run_in_executor(None, self._judged, large).add_done_callback(
                lambda done: self._back(large, done.result())
            )
        self._next = loop.time() + self.collect

    def _back(self, large: Sequence[_Waiting], judged: Sequence[Checked | Exception]) -> None:
        self._away -= len(large)
        _answer(large, judged)

    def _judged(self, batch: Sequence[_Waiting]) -> list[Checked | Exception]:
        """Judge a batch; where that fails, one by one, so that none fails for another's sake."""
        try:
            return list(self.check([w.request for w in batch]))
        except Exception as error:
            return [error] if len(batch) == 1 else [each for w in batch for each in self._judged([w])]


def _parted(batch: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
    """Part requests that are judged at once from those that would keep all others waiting."""
    small, room = [], INLINE_CHARACTERS
    large = []
    for waiting in batch:
        if waiting.size <= room:
            room -= waiting.size
            small.append(waiting)
        else:
            large.append(waiting)
    return small, large


def _answer(batch: Sequence[_Waiting], judged: Sequence[Checked | Exception]) -> None:
    for waiting, answer in zip(batch, judged, strict=True):
        if waiting.answer.done():  # whoever asked has gone
            continue
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)
