"""A scenario in numbers: arrays over runs, providers and campaign classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.exercise.dice import Floats, Ints
from tocsin.exercise.ranges import Draws
from tocsin.exercise.scenario import Delay, Provider, Scenario

YEAR = 365


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold a lognormal delay in days; shape (runs,) or (runs, classes) each."""

    median: Floats
    sigma: Floats


@dataclass(frozen=True, slots=True)
class Classes:
    """Hold the classes of campaigns: `count` (classes,) a run, the rest (runs, classes)."""

    count: Ints
    lifetime: Spread
    displacement: Floats
    comeback: Spread
    learning: Floats
    harm: Floats


@dataclass(frozen=True, slots=True)
class Beyond:
    """Hold the outside option; shape (runs,) each."""

    start: Floats
    pull: Floats
    last_resort: Floats
    harm: Floats


@dataclass(frozen=True, slots=True)
class Crowd:
    """Hold what concerns innocent people: `errors` and `poison` (runs,), `flags` (runs, providers) a year."""

    people: int
    accounts: int
    flags: Floats
    errors: Floats
    poison: Floats
    poisoners: Ints


@dataclass(frozen=True, slots=True)
class Checks:
    """Hold what reviewers do with heard alarms; shape (runs,)."""

    confirms: Floats
    clears: Floats
    days: Spread


@dataclass(frozen=True, slots=True)
class World:
    """Hold a scenario in numbers.

    Shapes: `side` (providers,), `size`, `capacity`, `delay` (runs, providers), `heed` (runs, sides, providers),
    `hazard` (runs, classes, providers): minus the logarithm of the chance to stay unfound for a day; `misses` (runs,).
    """

    days: int
    together: bool
    side: Ints
    size: Floats
    capacity: Floats
    delay: Floats
    heed: Floats
    hazard: Floats
    misses: Floats
    classes: Classes
    beyond: Beyond
    crowd: Crowd
    checks: Checks

    @property
    def runs(self) -> int:
        """Count the runs."""
        return len(self.misses)

    @property
    def providers(self) -> int:
        """Count the providers."""
        return len(self.side)


def build_world(scenario: Scenario, draws: Draws) -> World:
    """Put what the runs drew into arrays."""
    members, sides = scenario.members, scenario.sides
    kinds = [c.kind for c in scenario.campaigns]
    side = np.array([sides.index(m.side) for m in members])
    return World(
        days=scenario.days,
        together=scenario.begin == "together",
        side=side,
        size=_columns(draws.of(m.size) for m in members),
        capacity=_columns(draws.of(m.capacity) for m in members),
        delay=_columns(draws.of(m.delay) for m in members),
        heed=np.stack([_columns(draws.of(m.heed[s]) for m in members) for s in sides], axis=1),
        hazard=np.stack([_columns(hazard(draws.of(m.recall[k])) for m in members) for k in kinds], axis=1),
        misses=draws.of(scenario.detectors.shared_misses),
        classes=_classes(scenario, draws),
        beyond=Beyond(*(draws.of(getattr(scenario.outside, f)) for f in ("start", "pull", "last_resort", "harm"))),
        crowd=_crowd(scenario, draws, side),
        checks=Checks(
            draws.of(scenario.review.confirms), draws.of(scenario.review.clears), _spread(scenario.review.days, draws)
        ),
    )


def hazard(chance: Floats) -> Floats:
    """Turn a chance a day into a hazard; certainty becomes infinite."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-chance))


def _classes(scenario: Scenario, draws: Draws) -> Classes:
    listed = scenario.campaigns
    return Classes(
        count=np.array([round(c.rate * scenario.days) for c in listed]),
        lifetime=_spreads([c.lifetime for c in listed], draws),
        displacement=_columns(draws.of(c.displacement) for c in listed),
        comeback=_spreads([c.return_delay for c in listed], draws),
        learning=_columns(draws.of(c.skill_growth) for c in listed),
        harm=_columns(draws.of(c.harm) for c in listed),
    )


def _crowd(scenario: Scenario, draws: Draws, side: Ints) -> Crowd:
    poison = scenario.poison
    poisoners = np.flatnonzero(side == scenario.sides.index(poison.side))[: poison.members] if poison else side[:0]
    return Crowd(
        people=scenario.innocents.people,
        accounts=scenario.innocents.accounts,
        flags=_columns(_flag_chance(m, draws) for m in scenario.members),
        errors=draws.of(scenario.detectors.shared_errors) - 1,
        poison=draws.of(poison.rate) if poison else np.zeros(draws.runs),
        poisoners=poisoners,
    )


def _flag_chance(provider: Provider, draws: Draws) -> Floats:
    """Add up the kinds: the chance a year that a provider takes an innocent account for any of them."""
    safe = np.ones(draws.runs)
    for chance in provider.false_positives.values():
        safe = safe * (1 - draws.of(chance))
    return np.asarray(1 - safe)


def _spread(delay: Delay, draws: Draws) -> Spread:
    return Spread(draws.of(delay.median), draws.of(delay.sigma))


def _spreads(delays: Sequence[Delay], draws: Draws) -> Spread:
    return Spread(_columns(draws.of(d.median) for d in delays), _columns(draws.of(d.sigma) for d in delays))


def _columns(arrays: Iterable[Floats]) -> Floats:
    return np.stack(list(arrays), axis=1)
