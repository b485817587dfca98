"""Run an exercise: every policy on the same campaigns, people and chances."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from tocsin.exercise.dice import Dice, Floats
from tocsin.exercise.engine import play
from tocsin.exercise.outcomes import ENDS, MEASURES, Outcomes, judge, share_known
from tocsin.exercise.ranges import Draws
from tocsin.exercise.scenario import Policy, Scenario
from tocsin.exercise.subjects import draw_births, draw_people
from tocsin.exercise.world import YEAR, World, build_world

ALONE = Policy(share="none")
SUBJECTS_AT_ONCE = 300_000  # campaigns and people held in memory together; has no influence on any figure
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """Hold the outcomes of an exercise; the first policy is always "none", against which harm averted is counted.

    Shapes: `measures` (policies, runs) each, `ends` (policies, runs, ends), `curves` (policies, days + 1): the share of
    campaigns known everywhere by their age; `drawn` (runs,) for every range of the scenario that is open.
    """

    scenario: Scenario
    seed: int
    runs: int
    played: tuple[Policy, ...]
    measures: Mapping[str, Floats]
    ends: Mapping[str, Floats]
    curves: Floats
    drawn: Mapping[str, Floats]

    @property
    def policies(self) -> tuple[str, ...]:
        """Name the policies in order."""
        return tuple(p.name for p in self.played)


def run_exercise(scenario: Scenario, seed: int, runs: int, progress: Progress = lambda done, of: None) -> Result:
    """Run a scenario; the same scenario, seed and number of runs give the same result, to the last bit."""
    draws = Draws(scenario, runs, seed)
    world = build_world(scenario, draws)
    policies = _with_none_first(scenario.policies)
    blocks = list(_blocks(world, runs))
    parts: list[list[Outcomes]] = []
    done, of = count(1), len(blocks) * len(policies)
    for block in blocks:
        parts.append(_play_block(world, policies, block, seed, lambda: progress(next(done), of)))
    by_policy = list(zip(*parts, strict=True))
    measures = {m: np.stack([np.concatenate([o.measures[m] for o in own]) for own in by_policy]) for m in MEASURES}
    harm = measures["harm"]
    averted = 1 - np.divide(harm, harm[0], out=np.ones(harm.shape), where=harm[0] > 0)
    ends = np.stack([np.concatenate([o.ends for o in own]) for own in by_policy])
    curves = np.stack([share_known(sum(o.known for o in own), sum(o.unknown for o in own)) for own in by_policy])
    return Result(
        scenario,
        seed,
        runs,
        policies,
        {"harm_averted": averted, **measures},
        {end: ends[:, :, i] for i, end in enumerate(ENDS)},
        curves,
        draws.named,
    )


def _play_block(
    world: World, policies: tuple[Policy, ...], block: range, seed: int, tick: Callable[[], None]
) -> list[Outcomes]:
    births, people, dice = draw_births(world, block, seed), draw_people(world, block, seed), Dice(seed)
    outcomes = []
    for policy in policies:
        outcomes.append(judge(world, births, play(world, policy, dice, births, people, block), block))
        tick()
    return outcomes


def _subjects(world: World) -> float:
    """Estimate from above how many campaigns and people a run holds."""
    crowd = world.crowd
    mistaken = crowd.people * min(1.0, crowd.accounts * float(crowd.flags.max()) * world.days / YEAR)
    return float(world.classes.count.sum()) + mistaken + float(crowd.poison.max()) * world.days


def _with_none_first(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
    return (ALONE, *(p for p in policies if p.share != "none"))


def _blocks(world: World, runs: int) -> Iterator[range]:
    size = max(1, int(SUBJECTS_AT_ONCE // (1 + _subjects(world))))
    yield from (range(first, min(first + size, runs)) for first in range(0, runs, size))
