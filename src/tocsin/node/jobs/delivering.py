"""Tell receivers what was decided: at least once, in order within a case, whatever fails or dies on the way."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import httpx

from tocsin.forms import FormatError, TocsinError, TransportError
from tocsin.node.config import SinkSection
from tocsin.node.keys import secret_lines
from tocsin.node.log_lines import LogLines
from tocsin.node.node import Node
from tocsin.node.sending import SECONDS, Reply, open_client, send
from tocsin.node.sinks import SINKS, Message, Names, Told, read_message
from tocsin.node.sinks.request import GONE
from tocsin.node.sinks.retrying import asked_to_wait, is_too_old, rest_after, wait_after
from tocsin.node.stores import outbox, totals
from tocsin.node.stores.outbox import DEAD, SENT, Waiting

AT_ONCE = 20  # messages of a sink in one round
LEASE_US = 60_000_000  # of a sink: longer than a round lasts
ROUND_SECONDS = 20.0
REST_US = 60_000_000  # of a sink that cannot be told at all
NO_ANSWER = 0
_BUSY = frozenset({408, 425, 429})


@dataclass
class Delivering:
    """Send what is due, to all sinks side by side and to each in turn; one worker at a time tells a sink."""

    worker: str
    names: Names
    lines: LogLines
    seconds: float = SECONDS
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)  # as this machine trusts
    name: str = field(default="delivering", init=False)

    def run(self, node: Node) -> bool:
        """Send one round; tell whether anything was sent or settled."""
        with node.database.reading() as connection:
            wanting = outbox.due_sinks(connection, node.now())
        known = {sink.name: sink for sink in node.config.sinks}
        for gone in sorted(wanting - known.keys()):
            self._give_up(node, gone)
        told = [known[name] for name in sorted(wanting & known.keys())]
        return bool(wanting) and asyncio.run(self._round(node, told)) > 0

    def _give_up(self, node: Node, sink: str) -> None:
        """Bury what waits for a receiver that the settings no longer name."""
        now = node.now()
        with node.database.writing() as connection:
            for row in outbox.due(connection, sink, now, AT_ONCE):
                outbox.settle(connection, row.id, DEAD, now, "the settings name no such sink")

    async def _round(self, node: Node, sinks: Sequence[SinkSection]) -> int:
        async with open_client(self.trusted) as client:
            telling = [_Telling(self, node, sink, client) for sink in sinks]
            return sum(await asyncio.gather(*(one.tell() for one in telling)))


@dataclass
class _Telling:
    """One sink, for one round."""

    job: Delivering
    node: Node
    sink: SinkSection
    client: httpx.AsyncClient

    async def tell(self) -> int:
        """Send what is due; return how many messages were tried. What is wrong with one sink holds up no other."""
        due = self._due()
        try:
            return await self._send_each(due, secrets_of(self.node, self.sink)) if due else 0
        except TocsinError as error:
            self.job.lines.warn("a sink cannot be told", sink=self.sink.name, why=str(error), hint=error.hint)
            self._rest(REST_US)
            return 0

    async def _send_each(self, due: Sequence[Waiting], secrets: tuple[str, ...]) -> int:
        """Send one by one, oldest first, until the receiver does not answer or the round is over."""
        clock = asyncio.get_running_loop().time
        ends, held = clock() + ROUND_SECONDS, set[str]()
        for tried, row in enumerate(due):
            if clock() > ends:
                return tried
            try:
                message = read_message(row.body)
            except FormatError as error:
                self._settle(row, DEAD, str(error))
                continue
            if message.case in held:  # an older message of this case was just put off
                continue
            reply = await self._sent(message, secrets)
            if not self._judge(row, reply):
                held.add(message.case)
                if _is_tired(reply):
                    return tried + 1
        return len(due)

    async def _sent(self, message: Message, secrets: tuple[str, ...]) -> Reply:
        """Send a message; no answer is an answer too."""
        request = SINKS[self.sink.form].write(message, self._told(secrets))
        try:
            return await send(request, self.client, self.job.seconds)
        except TransportError as error:
            return Reply(NO_ANSWER, str(error).encode())

    def _due(self) -> list[Waiting]:
        now = self.node.now()
        with self.node.database.writing() as connection:
            if not totals.lease(connection, f"sink {self.sink.name}"[:60], self.job.worker, now, now + LEASE_US):
                return []
            return outbox.due(connection, self.sink.name, now, AT_ONCE)

    def _told(self, secrets: tuple[str, ...]) -> Told:
        s = self.sink
        told = Told(s.url, s.lang, secrets, int(self.node.clock()), self.job.names, s.link, s.project)
        return replace(told, issue_type=s.issue_type, index=s.index)

    def _judge(self, row: Waiting, reply: Reply) -> bool:
        """Settle a message by its answer; tell whether nothing of its case needs to wait."""
        if SINKS[self.sink.form].took(reply.status, reply.body):
            self._settle(row, SENT, None)
            return True
        problem = reply.body.decode() if reply.status == NO_ANSWER else f"refused with {reply.status}"
        if reply.status == GONE:
            self._settle(row, DEAD, problem)
            return True
        self._put_off(row, problem, asked_to_wait(reply.retry_after), rest=_is_tired(reply))
        return False

    def _settle(self, row: Waiting, state: str, problem: str | None) -> None:
        with self.node.database.writing() as connection:
            outbox.settle(connection, row.id, state, self.node.now(), problem)
        if state == DEAD:
            self.job.lines.warn("a message was given up", sink=self.sink.name, message=row.id, why=problem)

    def _put_off(self, row: Waiting, problem: str, asked: int | None, *, rest: bool) -> None:
        now, tries = self.node.now(), row.tries + 1
        chance = int.from_bytes(self.node.random(4)) / 2**32
        until = now + wait_after(tries, chance, asked)
        if is_too_old(row.made, until, self.node.config.desk.give_up_hours):
            self._settle(row, DEAD, problem)
            return
        with self.node.database.writing() as connection:
            outbox.put_off(connection, row.id, until, problem)
        if rest:
            self._rest(max(rest_after(tries), asked or 0))
        told = {"sink": self.sink.name, "message": row.id, "tries": tries, "why": problem}
        self.job.lines.warn("a message could not be sent", **told)

    def _rest(self, micros: int) -> None:
        with self.node.database.writing() as connection:
            outbox.rest(connection, self.sink.name, self.node.now() + micros)


def _is_tired(reply: Reply) -> bool:
    """Say whether an answer speaks of the receiver rather than of the message."""
    return reply.status == NO_ANSWER or reply.status >= 500 or reply.status in _BUSY


def secrets_of(node: Node, sink: SinkSection) -> tuple[str, ...]:
    """Read a sink's secrets; a webhook without its own signs with the node's key.

    Errors: TransportError, ConfigError.
    """
    if not sink.secret:
        return (node.keys.webhook.hex(),) if sink.form == "webhook" else ()
    return secret_lines(node.home.folder, sink.secret, f"sink {sink.name!r}")
