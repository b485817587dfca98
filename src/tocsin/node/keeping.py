"""Checked messages kept as events, where the settings say so: durable when the answer goes out."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from starlette.concurrency import run_in_threadpool

from tocsin.flow import Message
from tocsin.forms import TocsinError
from tocsin.node.intake import Intake

SOURCE = "check"
_MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what was checked, and whose it is."""

    account: str | None
    session: str | None
    messages: tuple[Message, ...]


@dataclass
class Keeping:
    """Store checked messages; those that come while a batch is written make the next one."""

    intake: Intake
    _waiting: list[tuple[list[dict[str, Any]], "asyncio.Future[bool]"]] = field(default_factory=list)
    _writing: "asyncio.Task[None] | None" = None

    async def keep(self, told: Told) -> bool:
        """Store messages once, however often a conversation is sent again; False where that was not possible.

        What names no account is not stored: nobody could ask for it to be forgotten.
        """
        lines = list(_lines(told, self.intake.now())) if told.account else []
        if not lines:
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return await done

    async def _write(self) -> None:
        while self._waiting:
            group = self._taken()
            lines = [line for own, _ in group for line in own]
            try:
                receipt = await run_in_threadpool(self.intake.accept, lines, SOURCE)
            except (TocsinError, OSError):
                kept = [False] * len(group)
            else:
                refused = {index for index, _ in receipt.rejected}
                kept = list(_spared(group, refused))
            for (_, done), fine in zip(group, kept, strict=True):
                if not done.done():
                    done.set_result(fine)

    def _taken(self) -> list[tuple[list[dict[str, Any]], "asyncio.Future[bool]"]]:
        count, lines = 0, 0
        while count < len(self._waiting) and (not count or lines < _MOST_LINES):
            lines += len(self._waiting[count][0])
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken


def _spared(group: Sequence[tuple[list[dict[str, Any]], Any]], refused: set[int]) -> list[bool]:
    """Say of each request whether all its lines were taken."""
    fine, at = [], 0
    for lines, _ in group:
        fine.append(not refused.intersection(range(at, at + len(lines))))
        at += len(lines)
    return fine


def _lines(told: Told, now: int) -> list[dict[str, Any]]:
    """Write messages as native lines; a message is named by all that was said up to it, so that each counts once."""
    time = datetime.fromtimestamp(now / 1e6, UTC).isoformat()
    chain = blake2b(digest_size=16)
    _feed(chain, told.account or "", told.session or "")
    lines = []
    for message in told.messages:
        _feed(chain, message.role, message.text)
        line = {"id": f"check-{chain.hexdigest()}", "time": time, "account": told.account, "role": message.role}
        lines.append(line | ({"session": told.session} if told.session else {}) | {"text": message.text})
    return lines


def _feed(chain: Any, *parts: str) -> None:
    for part in parts:
        raw = part.encode()
        chain.update(len(raw).to_bytes(8, "big") + raw)
