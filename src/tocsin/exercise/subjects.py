"""Whom alarms are about: campaigns, and innocent people who are taken for one or accused of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.exercise.dice import Floats, Ints
from tocsin.exercise.world import YEAR, Crowd, World

Flags = npt.NDArray[np.bool_]
_PEOPLE = 1 << 40  # numbers of people begin here, beyond those of any campaign
_PEOPLE_A_RUN = 1 << 23  # more than a scenario can hold
_TAIL = 1e-12


@dataclass(frozen=True, slots=True)
class Births:
    """Hold the campaigns of some runs as they begin, run by run.

    Shapes: (campaigns,) each; `until` is the day of its own end or the exercise's, `findable` a factor of mean 1 on
    every provider's hazard. `order` (campaigns, providers): a campaign goes to the first open provider in it, which is
    a fresh draw among the open ones in proportion to size.
    """

    run: Ints
    number: Ints
    kind: Ints
    start: Ints
    until: Ints
    findable: Floats
    order: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class People:
    """Hold the innocent people of some runs about whom there is an alarm, and these alarms in the order of their days.

    Shapes: (people,), `has` (people, providers); (alarms,) for `subject`, `sender`, `day` and `wave`: the alarm's
    number among those about the same person on the same day.
    """

    run: Ints
    number: Ints
    accused: Flags  # by poison, not by an honest error
    has: Flags
    subject: Ints
    sender: Ints
    day: Ints
    wave: Ints


def draw_births(world: World, runs: range, seed: int) -> Births:
    """Draw the campaigns of some runs; a run's do not depend on which others are drawn with it."""
    each = [_births(world, run, np.random.default_rng([seed, 2, run])) for run in runs]
    size = int(world.classes.count.sum())
    run = np.repeat(np.arange(runs.start, runs.stop), size)
    kind, start, until, findable, order = (np.concatenate(part) for part in zip(*each, strict=True))
    return Births(run, np.arange(runs.start * size, runs.stop * size), kind, start, until, findable, order)


def _births(world: World, run: int, random: np.random.Generator) -> tuple[Ints, Ints, Ints, Floats, Any]:
    kind = random.permutation(np.repeat(np.arange(len(world.classes.count)), world.classes.count))
    start = np.zeros(len(kind), np.int64) if world.together else random.integers(0, world.days, len(kind))
    spread = world.misses[run]
    findable = random.gamma(1 / spread, spread, len(kind)) if spread else np.ones(len(kind))
    life = world.classes.lifetime
    days = life.median[run, kind] * np.exp(life.sigma[run, kind] * random.standard_normal(len(kind)))
    until = np.minimum(start + np.ceil(days), world.days).astype(np.int64)
    order = np.argsort(_race(world, run, len(kind), random), axis=1).astype(np.int8)
    return kind, start, until, findable, order


def _race(world: World, run: int, runners: int, random: np.random.Generator) -> Floats:
    """Draw arrival times at every provider, the sooner the larger it is: their order is a draw by size."""
    return np.asarray(random.exponential(size=(runners, world.providers)) / world.size[run])


def draw_people(world: World, runs: range, seed: int) -> People:
    """Draw the innocent people of some runs about whom there is an alarm; nobody else can come to harm."""
    each = [_people(world, run, np.random.default_rng([seed, 3, run])) for run in runs]
    counts = np.array([len(p[0]) for p in each])
    first = np.cumsum(counts) - counts
    run = np.repeat(np.arange(runs.start, runs.stop), counts)
    number = _PEOPLE + run * _PEOPLE_A_RUN + np.arange(len(run)) - np.repeat(first, counts)
    accused, has = (np.concatenate([p[i] for p in each]) for i in (0, 1))
    alarms = np.concatenate([p[2] + [[at, 0, 0]] for p, at in zip(each, first, strict=True)])
    return People(run, number, accused, has, *_in_waves(alarms).T)


def _in_waves(alarms: Ints) -> Ints:
    """Number the alarms about one person on one day, and put all in the order of their days and numbers.

    Rows are (subject, sender, day); the wave becomes the last column.
    """
    order = np.lexsort((alarms[:, 2], alarms[:, 0]))
    subject, _, day = alarms[order].T
    fresh = np.append(True, (subject[1:] != subject[:-1]) | (day[1:] != day[:-1]))[: len(order)]
    wave = np.arange(len(order)) - np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
    numbered = np.column_stack([alarms[order], wave])
    return np.asarray(numbered[np.lexsort((numbered[:, 0], wave, day))])


def _people(world: World, run: int, random: np.random.Generator) -> tuple[Flags, Flags, Ints]:
    """Draw one run: who is accused, who has accounts where, and alarms as rows (subject, sender, day)."""
    holders, flags = _mistaken(world, run, random)
    accusers = world.crowd.poisoners
    victims = _holders(world, run, random.poisson(world.crowd.poison[run] * world.days), random)
    accusations = np.zeros((len(victims), world.providers), bool)
    accusations[:, accusers] = True
    alarms = _alarms(np.concatenate([flags, accusations]), world.days, random)
    accused = np.arange(len(holders) + len(victims)) >= len(holders)
    return accused, np.concatenate([holders, victims]), alarms


def _alarms(flags: Flags, days: int, random: np.random.Generator) -> Ints:
    """Give every flag a day."""
    subject, sender = np.nonzero(flags)
    day = random.integers(1, days + 1, len(subject))
    return np.stack([subject, sender, day], axis=1)


def _holders(world: World, run: int, people: int, random: np.random.Generator) -> Flags:
    """Give each person accounts at different providers, large ones rather than small ones."""
    race = _race(world, run, people, random)
    has = np.zeros(race.shape, bool)
    np.put_along_axis(has, np.argsort(race, axis=1)[:, : world.crowd.accounts], True, axis=1)
    return has


def flag_rates(chance: Floats, errors: float) -> Floats:
    """Give the rates at which a provider flags, from the chance that it does at least once.

    People differ in how easily they are mistaken: by a gamma factor of mean 1 and variance `errors`, the same for all
    providers. A second provider then is about 1 + errors times as likely to err about the same person.
    """
    return np.asarray(((1 - chance) ** -errors - 1) / errors if errors else -np.log1p(-chance))


def _mistaken(world: World, run: int, random: np.random.Generator) -> tuple[Flags, Flags]:
    """Draw who has accounts where and who is flagged there, of those people about whom at least one provider errs.

    Flags of one person come at a rate that no account exceeds (negative binomial, zero left out), and each is kept
    as often as its account's own rate allows.
    """
    crowd: Crowd = world.crowd
    rates = flag_rates(crowd.flags[run], crowd.errors[run]) * (world.days / YEAR)
    top = float(rates.max())
    tries = _tries(crowd.accounts * top, float(crowd.errors[run]))
    touched = random.binomial(crowd.people, float(tries.sum())) if top else 0
    has = _holders(world, run, touched, random)
    if not touched:
        return has, has
    count = 1 + np.searchsorted(np.cumsum(tries / tries.sum()), random.random(touched))
    person = np.repeat(np.arange(touched), count)
    account = np.nonzero(has)[1].reshape(touched, crowd.accounts)
    where = account[person, random.integers(0, crowd.accounts, len(person))]
    kept = random.random(len(person)) * top < rates[where]
    flags = np.zeros(has.shape, bool)
    flags[person[kept], where[kept]] = True
    some = flags.any(axis=1)
    return has[some], flags[some]


def _tries(mean: float, variance: float) -> Floats:
    """Give the chances of 1, 2, 3… tries: Poisson with a gamma factor of this variance round its mean."""
    spread = variance * mean
    last = np.exp(-mean) if not variance else (1 + spread) ** (-1 / variance)
    chances: list[float] = []
    while not chances or chances[-1] > _TAIL:
        m = len(chances)
        last *= mean / (m + 1) if not variance else (m + 1 / variance) / (m + 1) * spread / (1 + spread)
        chances.append(last)
    return np.array(chances)
