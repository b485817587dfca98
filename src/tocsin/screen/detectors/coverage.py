"""Systematic coverage that looks like model extraction: one enumerating template, day and night, evenly paced."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, pstdev
from typing import ClassVar

from tocsin.screen.behaviour import AccountFinding, Behaviour
from tocsin.screen.templates import Template

LEAST_EVENTS = 60
TEMPLATE_SHARE = 0.6
ROUND_THE_CLOCK_HOURS = 12
EVEN_PACE = 0.75  # standard deviation of events per busy hour, in means
IN_CONCERT = 3  # accounts on one template


@dataclass(frozen=True)
class CoverageDetector:
    """Speak of accounts that work through a template like a machine; grave where several work through the same one.

    A single account may be a batch job of a customer: severity 2, which alone makes no case.
    """

    name: ClassVar[str] = "coverage"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account that works through a template by machine."""
        pace = _Pace(behaviour)
        for template in behaviour.templates:
            machines = [u for u in template.uses.to_pylist() if self._mechanical(u, behaviour, pace)]
            severity = 4 if len(machines) >= IN_CONCERT else 2
            facts = f"{template.id}: accounts={len(machines)} events={sum(u['events'] for u in machines)}"
            for use in machines:
                score = 0.8 if severity == 4 else 0.5
                yield AccountFinding(use["account"], use["first"], "M11", severity, score, facts, _first(template, use))

    def _mechanical(self, use: dict[str, object], behaviour: Behaviour, pace: "_Pace") -> bool:
        account, events = str(use["account"]), use["events"]
        own = behaviour.accounts[account]["events"]
        assert isinstance(events, int) and isinstance(own, int)
        return events >= LEAST_EVENTS and events >= TEMPLATE_SHARE * own and pace.is_steady(account)


@dataclass(frozen=True)
class _Pace:
    behaviour: Behaviour

    @cached_property
    def hours(self) -> dict[str, list[tuple[int, int]]]:
        """List each account's busy hours with their events."""
        busy: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in self.behaviour.measure("hour").to_pylist():
            if row["events"]:
                busy[row["account"]].append((int(row["value"]), row["events"]))
        return busy

    def is_steady(self, account: str) -> bool:
        """Say whether an account works most hours of the clock, at an even pace."""
        busy = self.hours.get(account, [])
        clock = {hour % 24 for hour, _ in busy}
        counts = [events for _, events in busy]
        return len(clock) >= ROUND_THE_CLOCK_HOURS and pstdev(counts) <= EVEN_PACE * mean(counts)


def _first(template: Template, use: dict[str, object]) -> str:
    accounts = template.uses["account"].to_pylist()
    return template.first_events[accounts.index(use["account"])]
