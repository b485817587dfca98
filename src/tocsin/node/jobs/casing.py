"""Form cases from all parts: the same as `tocsin screen` forms from the same events."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from tocsin.cases import Allowance, build_cases, parse_allowances
from tocsin.flow import Gathered
from tocsin.forms import CASES, ConfigError
from tocsin.node import joining
from tocsin.node.desk import reopen_grown
from tocsin.node.node import Node
from tocsin.node.stores import cases, parts, totals
from tocsin.node.stores.names import time_id
from tocsin.node.stores.parts import Listed
from tocsin.standard import Standard, load_standard

LEASE_US = 300_000_000
SHARE = 4  # rounds take at most one part in this many of the time, plus one


class _GoneError(Exception):
    """Raise where parts are not what they were: nothing may be written."""


@dataclass
class Casing:
    """Hold what was gathered from parts so far, and add what is new; one worker of all does so at a time."""

    worker: str
    standard: Standard
    seconds: float
    name: str = field(default="casing", init=False)
    _gathered: Gathered = field(default_factory=Gathered, init=False)
    _known: dict[int, int] = field(default_factory=dict, init=False)  # parts, and the events of each
    _next: float = field(default=float("-inf"), init=False)
    _day: str = field(default="", init=False)

    @classmethod
    def load(cls, node: Node, worker: str) -> "Casing":
        """Load the standard."""
        s = node.config.screening
        standard = load_standard(node.home.path(s.standard), prove=False)
        return cls(worker, standard, s.casing_seconds)

    def run(self, node: Node) -> bool:
        """Form the cases anew if there is anything new and the time has come."""
        started = time.monotonic()
        if started < self._next:
            return False
        now, today = node.now(), datetime.fromtimestamp(node.clock(), UTC).date()
        with node.database.writing() as connection:
            if not totals.lease(connection, self.name, self.worker, now, now + LEASE_US):
                self._next = started + self.seconds
                return False
        if not self._gather(node) and self._day == str(today):
            self._next = started + min(self.seconds, 1.0)
            return False
        findings, activity = self._gathered.judge(self.standard.version, go_on=True)
        formed = build_cases(findings, activity, self.standard, allowances=read_allowances(node), today=today).cast(
            CASES
        )
        self._store(node, formed, len(findings))
        self._day = str(today)
        self._join(node)
        taken = time.monotonic() - started
        self._next = started + taken + max(self.seconds, SHARE * taken)
        return True

    def _gather(self, node: Node) -> bool:
        """Take in the parts that are new; begin anew where one has gone."""
        with node.database.reading() as connection:
            there = parts.rows(connection)
        if self._known.keys() - there.keys():
            self._gathered, self._known = Gathered(), {}
        new = sorted(there.keys() - self._known.keys())
        for part in new:
            with node.database.reading() as connection:
                screened = parts.load(connection, part, node.keys.sealer)
            if screened is not None:
                self._gathered.add(screened)
                self._known[part] = there[part]
        return bool(new)

    def _store(self, node: Node, formed: pa.Table, findings: int) -> None:
        now = node.now()
        with node.database.writing() as connection:
            is_ours = totals.lease(connection, self.name, self.worker, now, now + LEASE_US)
            if (
                is_ours and not self._known.keys() - parts.rows(connection).keys()
            ):  # else one spoke of what is forgotten
                cases.store(connection, formed, now)
                reopen_grown(connection, now)
                totals.put(connection, "findings", findings)
                totals.put(connection, "cased", sum(self._known.values()))

    def _join(self, node: Node) -> None:
        """Join small parts: what was gathered from them stays."""
        with node.database.reading() as connection:
            listed = [part for part in parts.listing(connection) if part.id in self._known]
        for some in joining.due(listed):
            if not self._join_some(node, some):
                return

    def _join_some(self, node: Node, some: list[Listed]) -> bool:
        """Join some parts, if they are all there still and this worker is still the one to do so."""
        old = [part.id for part in some]
        now = node.now()
        with node.database.reading() as connection:
            loaded = [parts.load(connection, part, node.keys.sealer) for part in old]
        screened = [one for one in loaded if one is not None]
        if len(screened) < len(old):
            return False
        new = joining.join(time_id(now, node.random), some, screened)
        try:
            with node.database.writing() as connection:
                ours = totals.lease(connection, self.name, self.worker, now, now + LEASE_US)
                made = max(part.made for part in some)
                if not (ours and parts.replace(connection, old, new, node.keys.sealer, made)):
                    raise _GoneError
        except _GoneError:
            return False
        for part in old:
            del self._known[part]
        self._known[new.id] = new.rows
        return True


def read_allowances(node: Node) -> tuple[Allowance, ...]:
    """Read the allow-list that the settings name. Errors: ConfigError."""
    path = node.home.path(node.config.screening.allow)
    if path is None:
        return ()
    try:
        return parse_allowances(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"the allow-list {path.name!r} cannot be read", hint="check screening.allow") from error
