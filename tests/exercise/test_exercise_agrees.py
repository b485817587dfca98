"""The engine and an independent SimPy version agree in distribution."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from exercise_oracle import Oracle
from exercise_scenes import Table, scenario

from tocsin.exercise import Scenario
from tocsin.exercise.dice import Dice, Floats
from tocsin.exercise.engine import play
from tocsin.exercise.ranges import Draws
from tocsin.exercise.scenario import Policy
from tocsin.exercise.subjects import draw_births, draw_people
from tocsin.exercise.world import build_world

ENGINE_RUNS, ORACLE_RUNS = 200, 60
REJECTED = 1.95  # of the two-sample Kolmogorov-Smirnov statistic, at one in a thousand


Scene = Callable[..., tuple[Scenario, Policy]]


def member(side: str, **more: Any) -> Table:
    heed = {s: 0.8 if s == side else 0.3 for s in "abc"}
    return {"side": side, "recall": {"M01": 0.08}, "heed": heed, "false_positives": {"M01": 0.02}, **more}


def distrust(**more: Any) -> tuple[Scenario, Policy]:
    odd: tuple[Table, ...] = ({"size": 3, "delay": 2}, {}, {"delay": 5})
    return scenario(
        providers=[member(s, count=2, **own, **more) for s, own in zip("abc", odd, strict=True)],
        campaigns=[{
            "kind": "M01", "rate": 0.8, "displacement": 0.85, "skill_growth": 0.1, "harm": 2,
            "return_delay": {"median": 3, "sigma": 1}, "lifetime": {"median": 70, "sigma": 0.6},
        }],
        outside={"start": 0.1, "pull": 0.1, "last_resort": 0.7, "harm": 0.5},
        detectors={"shared_misses": 0.5},
    ), Policy(share="all")  # fmt: skip


def overload(**more: Any) -> tuple[Scenario, Policy]:
    shared: Table = {"delay": 1, "capacity": 0.1, "count": 2, **more}
    return scenario(
        providers=[member("a", **shared), member("b", **shared | {"capacity": 0.4} | more), member("c", **shared)],
        campaigns=[{"kind": "M01", "rate": 1, "return_delay": {"median": 2}}],
        innocents={"people": 300, "accounts": 3},
        review={"confirms": 0.8, "clears": 0.6, "days": {"median": 2, "sigma": 0.8}},
    ), Policy(share="all", act="review")  # fmt: skip


def lies(**more: Any) -> tuple[Scenario, Policy]:
    return scenario(
        providers=[member(s, count=2, size=2 if s == "a" else 1, **more) for s in "abc"],
        campaigns=[{"kind": "M01", "rate": 0.8, "displacement": 0.9, "return_delay": {"median": 1}}],
        innocents={"people": 500, "accounts": 4},
        detectors={"shared_errors": 15},
        poison={"side": "b", "members": 2, "rate": 0.3},
    ), Policy(share="all", act="corroborated")  # fmt: skip


def engine(scene: Scenario, policy: Policy) -> dict[str, Floats]:
    world, runs = build_world(scene, Draws(scene, ENGINE_RUNS, 1)), range(ENGINE_RUNS)
    births, people = draw_births(world, runs, 1), draw_people(world, runs, 1)
    fates = play(world, policy, Dice(1), births, people, runs)
    closed = np.bincount(fates.person_run, fates.hit.sum(axis=1), ENGINE_RUNS)
    reviews = fates.reviews.sum(axis=1)
    return {"life": fates.inside, "outside": fates.outside, "closed": closed, "reviews": reviews}


@cache
def oracle(scene: Scene) -> dict[str, Floats]:
    told = [Oracle(*scene(), seed).run() for seed in range(ORACLE_RUNS)]
    return {
        "life": np.array([life.inside for o in told for life in o.lives]),
        "outside": np.array([life.outside for o in told for life in o.lives]),
        "closed": np.array([o.closed for o in told]),
        "reviews": np.array([o.reviews for o in told]),
    }


def distance(a: Floats, b: Floats) -> float:
    """Kolmogorov and Smirnov's largest gap between two distributions, scaled by the sizes of the samples."""
    values = np.union1d(a, b)
    shares = [np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max()) * math.sqrt(len(a) * len(b) / (len(a) + len(b)))


@pytest.mark.parametrize("scene", [distrust, overload, lies])
def test_the_engine_agrees_with_processes(scene: Scene) -> None:
    ours, theirs = engine(*scene()), oracle(scene)
    assert len(ours["life"]) == ENGINE_RUNS * len(theirs["life"]) / ORACLE_RUNS
    apart = {name: distance(ours[name], theirs[name]) for name in ours}
    assert {name: d for name, d in apart.items() if d > REJECTED} == {}


def test_the_scenes_use_what_they_are_for() -> None:
    assert oracle(distrust)["outside"].mean() > 3
    assert oracle(overload)["reviews"].mean() > 100 and oracle(overload)["closed"].mean() > 5
    assert oracle(lies)["closed"].mean() > 15


@pytest.mark.parametrize(
    ("scene", "field", "value"),
    [(distrust, "heed", {"a": 0.6, "b": 0.6, "c": 0.6}), (overload, "capacity", 0.3), (lies, "recall", {"M01": 0.09})],
)
def test_a_small_change_to_one_of_them_is_noticed(scene: Scene, field: str, value: Any) -> None:
    ours, theirs = engine(*scene(**{field: value})), oracle(scene)
    assert max(distance(ours[name], theirs[name]) for name in ours) > REJECTED
