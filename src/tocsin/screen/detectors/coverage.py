"""Systematic coverage that looks like model extraction: one enumerating template, day and night, evenly paced."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.screen.behaviour import AccountFinding, Behaviour, Places
from tocsin.screen.templates import Template

LEAST_EVENTS = 60
TEMPLATE_SHARE = 0.6
ROUND_THE_CLOCK_HOURS = 12
EVEN_PACE = 0.75  # standard deviation of events per busy hour, in means
IN_CONCERT = 3  # accounts on one template
OWN_SHARE = 0.5  # of a template's accounts, and of those with what the machines have in common

Use = dict[str, Any]


@dataclass(frozen=True)
class CoverageDetector:
    """Speak of accounts that work through a template like a machine; grave where several do so by one hand.

    An account on its own may be a customer's batch job, and several may use one popular integration: severity 2, which
    alone makes no case. One hand shows in accounts that came together, or that have something in common which hardly
    anybody else has.
    """

    name: ClassVar[str] = "coverage"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account that works through a template by machine."""
        devoted = [(t, uses) for t, users in behaviour.users() if (uses := _devoted(t, behaviour.asked[users]))]
        steady = _steady(behaviour.activity.pace, {use["account"] for _, uses in devoted for use in uses})
        for template, uses in devoted:
            machines = [use for use in uses if use["account"] in steady]
            if machines:
                yield from self._speak(template, machines, behaviour)

    def _speak(self, template: Template, machines: list[Use], behaviour: Behaviour) -> Iterator[AccountFinding]:
        accounts = [use["account"] for use in machines]
        enough = len(machines) >= max(IN_CONCERT, OWN_SHARE * template.accounts)
        severity, score = (4, 0.8) if enough and _of_one_hand(accounts, behaviour) else (2, 0.5)
        facts = f"{template.id}: accounts={len(machines)} events={sum(use['events'] for use in machines)}"
        for use in machines:
            yield AccountFinding(use["account"], use["first"], "M11", severity, score, facts, use["first_event"])


def _devoted(template: Template, asked: Places) -> list[Use]:
    """Select the uses that are most of what an account, each of which asked so much, asks."""
    mostly = np.asarray(template.uses["events"]) >= np.maximum(LEAST_EVENTS, TEMPLATE_SHARE * asked)
    return list(template.uses.filter(pa.array(mostly)).to_pylist()) if mostly.any() else []


def _steady(pace: pa.Table, accounts: set[str]) -> set[str]:
    """Select those who work most hours of the clock, at an even pace."""
    return {own["account"] for own in _of(pace, accounts).to_pylist() if _is_steady(own)}


def _is_steady(pace: dict[str, Any]) -> bool:
    hours, events = int(pace["hours"]), int(pace["events"])
    variance = hours * int(pace["squares"]) - events**2  # times the square of `hours`, like the mean's square beside it
    return int(pace["clock_hours"]) >= ROUND_THE_CLOCK_HOURS and variance <= EVEN_PACE**2 * events**2


def _of_one_hand(accounts: Sequence[str], behaviour: Behaviour) -> bool:
    return behaviour.came_together(behaviour.places(pa.array(accounts))) or _have_their_own(
        accounts, behaviour.in_common
    )


def _have_their_own(accounts: Sequence[str], rows: pa.Table) -> bool:
    """Say whether some device, payment, client or network is common to most of the accounts and mostly theirs."""
    ours = Counter((r["measure"], r["value"]) for r in _of(rows, set(accounts)).to_pylist())
    common = [key for key, count in ours.items() if count >= max(IN_CONCERT, OWN_SHARE * len(accounts))]
    return any(ours[key] >= OWN_SHARE * _count(rows, *key) for key in common)


def _count(rows: pa.Table, measure: str, value: str) -> int:
    same = pc.and_(pc.equal(rows["measure"], measure), pc.equal(rows["value"], value))
    return pc.sum(same).as_py() or 0


def _of(rows: pa.Table, accounts: set[str]) -> pa.Table:
    return rows.filter(pc.is_in(rows["account"], pa.array(sorted(accounts), pa.string())))
