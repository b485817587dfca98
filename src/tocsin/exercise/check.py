"""The engine against what is known exactly, and published results against a second way of computing them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from tocsin.exercise import known
from tocsin.exercise.dice import Dice, Floats
from tocsin.exercise.engine import Fates, play
from tocsin.exercise.published import published_cases
from tocsin.exercise.ranges import Draws
from tocsin.exercise.scenario import Policy, Scenario
from tocsin.exercise.subjects import draw_births, draw_people
from tocsin.exercise.world import build_world

CONFIDENCE = 0.999
CAMPAIGNS, PEOPLE, QUEUES = 1_000_000, 1_000_000_000, 20_000
_BLOCK = 100  # runs played together
_N, _P, _K, _F = 12, 0.05, 3, 0.001
_DEVIATIONS = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
_AUTOMATIC = Policy(share="all")
_TWO = Policy(share="all", act="corroborated", need=2, alone=False)


@dataclass(frozen=True, slots=True)
class Case:
    """Hold a known value, what came out, and the interval round it in which the known value must lie."""

    case: str
    theory: float
    simulated: float
    low: float
    high: float

    @property
    def ok(self) -> bool:
        """Whether the known value lies inside the interval."""
        return self.low <= self.theory <= self.high


def check_cases(seed: int, scale: float = 1.0) -> Iterator[Case]:
    """Check every known case, one after another; `scale` shrinks the sample sizes."""
    for name, theory, trial in _trials():
        values = trial(seed, scale)
        mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
        yield Case(name, theory, mean, mean - _DEVIATIONS * error, mean + _DEVIATIONS * error)
    for told in published_cases(seed, scale):
        yield Case(*told)


Trial = Callable[[int, float], Floats]


def _trials() -> Iterator[tuple[str, float, Trial]]:
    none, side = Policy(share="none"), Policy(share="side", act="automatic")
    yield "nobody shares: N/p", known.life_unshared(_N, _P), _lives(none)
    yield "sides share inside: B/p", known.life_unshared(2, _P), _lives(side)
    yield "all share: 1/p", known.life_unshared(1, _P), _lives(_AUTOMATIC)
    for q in (0.25, 0.5, 0.75, 0.9):
        yield f"all share, heeded with chance {q}", known.life_heeded(_N, _P, q), _lives(_AUTOMATIC, heed=q)
    yield "all share, 10 days late: 1/p + 10", known.life_delayed(_P, 10), _lives(_AUTOMATIC, delay=10)
    yield "shared misses, variance 0.3", known.life_frail(_P, 0.3, 2000), _lives(_AUTOMATIC, misses=0.3)
    yield "ends by itself after 15 days", known.life_ending(_P, 15), _lives(_AUTOMATIC, lifetime=15)
    yield "skill grows by 0.1 a ban", known.life_learning(_N, _P, 0.1), _lives(none, learning=0.1)
    yield "displacement 0.75", known.life_with_a_way_out(_N, _P, 0.75), _lives(none, displacement=0.75)
    yield "a fifth leaves for outside", known.life_with_a_way_out(_N, _P, 0.8), _lives(none, pull=0.2)
    yield "innocents, nobody shares: kf", known.accounts_unshared(_K, _F), _accounts(none)
    yield "innocents, automatic", known.accounts_automatic(_K, _F), _accounts(_AUTOMATIC)
    yield "innocents, two of three agree", known.accounts_corroborated(_K, _F), _accounts(_TWO)
    for name, policy, theory in (("automatic", _AUTOMATIC, known.accounts_automatic(_K, _F, 29)),
                                 ("two of three agree", _TWO, known.accounts_corroborated(_K, _F, 29))):  # fmt: skip
        yield f"innocents, {name}, errors alike 30 times", theory, _accounts(policy, alike=30)
    yield "review queue, load 0.7", known.backlog(0.7), _backlogs(0.7)


def _exact(providers: list[Mapping[str, Any]], days: int, **more: Any) -> Scenario:
    said = {"en": "exact case", "zh": "精确情形"}
    table: Mapping[str, Any] = {
        "name": "exact", "title": said, "about": said, "days": days, "begin": "together", "providers": providers,
        "campaigns": [{"kind": "M01", "rate": 0}],
    }  # fmt: skip
    return Scenario.model_validate({**table, **more})


def _both_sides(**more: Any) -> list[Mapping[str, Any]]:
    provider = {"count": _N // 2, "recall": {"M01": _P}, "heed": {"a": 1, "b": 1}, **more}
    return [{"side": side, **provider} for side in "ab"]


def _lives(
    policy: Policy, heed: float = 1, delay: float = 0, misses: float = 0, learning: float = 0, displacement: float = 1,
    pull: float = 0, lifetime: float = 2000,
) -> Trial:  # fmt: skip
    days = 2000
    campaigns = {
        "kind": "M01", "rate": 0.5, "skill_growth": learning, "displacement": displacement,
        "lifetime": {"median": lifetime},
    }  # fmt: skip
    scenario = _exact(
        _both_sides(heed={"a": heed, "b": heed}, delay=delay), days, campaigns=[campaigns],
        detectors={"shared_misses": misses}, outside={"pull": pull},
    )  # fmt: skip

    def trial(seed: int, scale: float) -> Floats:
        runs = max(1, round(scale * CAMPAIGNS / (days * 0.5)))
        return np.concatenate([f.inside for f in _fates(scenario, policy, seed, runs)]).astype(np.float64)

    return trial


def _accounts(policy: Policy, alike: float = 1) -> Trial:
    people = 1_000_000
    scenario = _exact(
        _both_sides(false_positives={"M01": _F}), 365,
        innocents={"people": people, "accounts": _K}, detectors={"shared_errors": alike},
    )  # fmt: skip

    def trial(seed: int, scale: float) -> Floats:
        runs = max(2, round(scale * PEOPLE / people))
        return np.concatenate([_a_run(f) for f in _fates(scenario, policy, seed, runs)]) / people

    return trial


def _a_run(fates: Fates) -> Floats:
    return np.asarray(np.bincount(fates.person_run, fates.hit.sum(axis=1), len(fates.reviews)), dtype=np.float64)


def _backlogs(load: float) -> Trial:
    provider = {"side": "a", "count": 2, "recall": {"M01": 0}, "heed": {"a": 1}, "capacity": 1}
    scenario = _exact([provider], 365, innocents={"accounts": 2}, poison={"side": "a", "rate": load})

    def trial(seed: int, scale: float) -> Floats:
        runs = max(2, round(scale * QUEUES))
        review = Policy(share="all", act="review")
        return np.concatenate([f.backlog[:, 1] for f in _fates(scenario, review, seed, runs)])

    return trial


def _fates(scenario: Scenario, policy: Policy, seed: int, runs: int) -> Iterator[Fates]:
    world, dice = build_world(scenario, Draws(scenario, runs, seed)), Dice(seed)
    for first in range(0, runs, _BLOCK):
        block = range(first, min(first + _BLOCK, runs))
        yield play(world, policy, dice, draw_births(world, block, seed), draw_people(world, block, seed), block)
