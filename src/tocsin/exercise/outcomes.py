"""From fates to outcomes: one number a run, policy and measure, and how long it takes until everybody knows."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tocsin.exercise.desk import NEVER
from tocsin.exercise.dice import Floats, Ints
from tocsin.exercise.engine import GAVE_UP, Fates
from tocsin.exercise.subjects import Births, Flags
from tocsin.exercise.world import YEAR, World

MEASURES = ("harm", "harm_outside", "life", "known_share", "known_days", "accounts", "people", "reviews", "backlog")
ENDS = ("gave_up", "outside", "inside")
PER_PEOPLE = 100_000


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Hold the outcomes of some runs under one policy.

    Units of the measures, an array (runs,) each: `harm` in the scenario's units, `harm_outside` the part done outside,
    `life` days active inside per campaign, `known_share` of campaigns closed out everywhere by the end, `known_days`
    the median days until then (infinite where not reached), `accounts` and `people` innocent ones hit, per 100,000
    people and year, `reviews` a provider and day, `backlog` alarms a provider at the end.
    `ends` (runs, ends): shares of campaigns. `known` and `unknown` (days + 1,): campaigns by their age when
    known everywhere, and by their age at the end where not.
    """

    measures: dict[str, Floats]
    ends: Floats
    known: Ints
    unknown: Ints


def judge(world: World, births: Births, fates: Fates, runs: range) -> Outcomes:
    """Count what came of some runs."""
    run = births.run - runs.start
    count = len(runs)
    harm = world.classes.harm[births.run, births.kind]
    outside = harm * world.beyond.harm[births.run] * fates.outside
    age = np.where(fates.known < NEVER, np.maximum(fates.known - births.start, 0), world.days - births.start)
    is_known = fates.known < NEVER
    campaigns = max(int(world.classes.count.sum()), 1)
    size = world.days + 1
    measures = {
        "harm": np.bincount(run, harm * fates.inside + outside, count),
        "harm_outside": np.bincount(run, outside, count),
        "life": np.bincount(run, fates.inside, count) / campaigns,
        "known_share": np.bincount(run, is_known, count) / campaigns,
        "known_days": _medians(age.reshape(count, -1), is_known.reshape(count, -1), size),
        **_innocents(world, fates, count),
        "reviews": fates.reviews.mean(axis=1) / world.days,
        "backlog": fates.backlog.mean(axis=1),
    }
    return Outcomes(
        measures,
        _ends(world, run, fates, count) / campaigns,
        np.bincount(age[is_known], minlength=size),
        np.bincount(age[~is_known], minlength=size),
    )


def _innocents(world: World, fates: Fates, count: int) -> dict[str, Floats]:
    per = PER_PEOPLE / max(world.crowd.people, 1) * YEAR / world.days
    return {
        "accounts": _counted(fates.person_run, fates.hit.sum(axis=1), count) * per,
        "people": _counted(fates.person_run, fates.hit.any(axis=1), count) * per,
    }


def _counted(run: Ints, weight: Any, count: int) -> Floats:
    return np.asarray(np.bincount(run, weight, count), dtype=np.float64)


def _ends(world: World, run: Ints, fates: Fates, count: int) -> Floats:
    gave_up, outside = fates.at == GAVE_UP, fates.at == world.providers
    return np.stack([np.bincount(run, which, count) for which in (gave_up, outside, ~gave_up & ~outside)], axis=1)


def share_known(known: Ints, unknown: Ints) -> Floats:
    """Estimate the share of campaigns known everywhere by each age, from 0 on (Kaplan and Meier, 1958).

    A campaign that is not known at the end counts as watched up to its age then and no further; one that gave up stays
    in the count as never known. Shapes: (ages,) or (runs, ages).
    """
    watched = np.cumsum((known + unknown)[..., ::-1], axis=-1)[..., ::-1]
    left = 1 - np.divide(known, watched, out=np.zeros(known.shape), where=watched > 0)
    return np.asarray(1 - np.cumprod(left, axis=-1))


def _medians(age: Ints, is_known: Flags, size: int) -> Floats:
    rows = np.arange(len(age))[:, None] * size + age
    known, unknown = (
        np.bincount(rows[which], minlength=len(age) * size).reshape(len(age), size) for which in (is_known, ~is_known)
    )
    reached = share_known(known, unknown) >= 0.5
    return np.where(reached.any(axis=1), reached.argmax(axis=1), np.inf)
