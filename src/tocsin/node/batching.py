"""Requests that come at the same time, judged as one batch: a batch of eight costs hardly more than one of one."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tocsin.flow import Checked, Request
from tocsin.node.refusals import BusyError

Check = Callable[[Sequence[Request], float], list[Checked]]  # requests, and the seconds that rules may take
MOST_TOGETHER = 64
AT_ONCE_CHARACTERS = 16_384  # of a batch that is judged at once: more of them would keep everybody waiting
AT_ONCE_SECONDS = 0.01  # for the rules; what they cannot finish goes where large texts go
APART_SECONDS = 2.0  # for one request in the thread
_Answer = Checked | Exception


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: Request
    size: int
    answer: "asyncio.Future[Checked]"


@dataclass
class Batches:
    """Judge at once what comes alone; what comes while a batch is judged makes the next one.

    A thread judges large texts, and those made of the rules' own words, one request after the other.
    """

    check: Check
    most_waiting: int = 2000
    _waiting: list[_Waiting] = field(default_factory=list)
    _armed: bool = False
    _apart: int = 0  # requests that wait for the thread
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "check"))

    async def ask(self, request: Request) -> Checked:
        """Judge a request.

        Errors: BusyError where too many wait.
        """
        if len(self._waiting) + self._apart >= self.most_waiting:
            raise BusyError(f"{len(self._waiting) + self._apart} requests wait to be checked")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, sum(len(m.text) for m in request.messages), loop.create_future())
        self._waiting.append(waiting)
        if not self._armed:
            self._armed = True
            loop.call_soon(self._judge)
        return await waiting.answer

    def _judge(self) -> None:
        loop = asyncio.get_running_loop()
        batch = [w for w in self._waiting[:MOST_TOGETHER] if not w.answer.done()]
        del self._waiting[:MOST_TOGETHER]
        self._armed = bool(self._waiting)
        if self._armed:
            loop.call_soon(self._judge)
        small, large = _parted(batch)
        judged = self._judged(small, AT_ONCE_SECONDS) if small else []
        for waiting, answer in zip(small, judged, strict=True):
            if isinstance(answer, Exception) or answer.complete:
                _tell(waiting, answer)
            else:
                large.append(waiting)
        for waiting in large:
            self._send_apart(loop, waiting)

    def _send_apart(self, loop: asyncio.AbstractEventLoop, waiting: _Waiting) -> None:
        def back(done: "asyncio.Future[list[_Answer]]") -> None:
            self._apart -= 1
            _tell(waiting, done.result()[0])

        self._apart += 1
        loop.run_in_executor(self._thread, self._judged, [waiting], APART_SECONDS).add_done_callback(back)

    def _judged(self, batch: Sequence[_Waiting], patience: float) -> list[_Answer]:
        """Judge a batch; where that fails, one by one, so that none fails for another's sake."""
        try:
            return list(self.check([w.request for w in batch], patience))
        except Exception as error:
            return [error] if len(batch) == 1 else [each for w in batch for each in self._judged([w], patience)]


def _parted(batch: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
    """Part requests that are judged at once from those that would keep all others waiting."""
    room = AT_ONCE_CHARACTERS
    small: list[_Waiting] = []
    large: list[_Waiting] = []
    for waiting in batch:
        fits = waiting.size <= room
        room -= waiting.size if fits else 0
        (small if fits else large).append(waiting)
    return small, large


def _tell(waiting: _Waiting, answer: _Answer) -> None:
    if waiting.answer.done():  # whoever asked has gone
        return
    if isinstance(answer, Exception):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
