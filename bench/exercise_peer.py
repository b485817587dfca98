"""One small model on one library: campaigns hop between twelve providers, nobody shares, one in twenty is found a day.

    python exercise_peer.py tocsin|mesa|simpy-days|simpy-events CAMPAIGNS DAYS SEED

Prints what it took from the first campaign to the last, and the mean life, which must be the same for all.
"""

import json
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

PROVIDERS, FOUND = 12, 0.05


def tocsin(campaigns: int, days: int, seed: int) -> float:
    from tocsin.exercise import Scenario, run_exercise

    said = {"en": "bench", "zh": "测试"}
    provider = {"side": "a", "count": PROVIDERS, "recall": {"M01": FOUND}, "heed": {"a": 1}}
    scenario = Scenario.model_validate({
        "name": "bench", "title": said, "about": said, "days": days, "begin": "together", "providers": [provider],
        "campaigns": [{"kind": "M01", "rate": 1000 / days}], "policies": [{"share": "none"}],
    })  # fmt: skip
    return float(run_exercise(scenario, seed, campaigns // 1000).measures["life"].mean())


def mesa(campaigns: int, days: int, seed: int) -> float:
    from mesa import Agent, Model

    class Campaign(Agent):  # type: ignore[misc]
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.left, self.life = PROVIDERS, 0

        def step(self) -> None:
            if self.left:
                self.life += 1
                if self.random.random() < FOUND:
                    self.left -= 1

    model = Model(seed=seed)
    Campaign.create_agents(model, campaigns)
    for _ in range(days):
        model.agents.do("step")
    return sum(a.life for a in model.agents) / campaigns


def simpy_days(campaigns: int, days: int, seed: int) -> float:
    import simpy

    chance, env, lives = random.Random(seed), simpy.Environment(), []

    def campaign() -> Iterator[Any]:
        life, left = 0, PROVIDERS
        while left and life < days:
            yield env.timeout(1)
            life += 1
            left -= chance.random() < FOUND
        lives.append(life)

    for _ in range(campaigns):
        env.process(campaign())
    env.run()
    return sum(lives) / campaigns


def simpy_events(campaigns: int, days: int, seed: int) -> float:
    import simpy

    chance, env, lives = random.Random(seed), simpy.Environment(), []
    unfound = math.log(1 - FOUND)

    def campaign() -> Iterator[Any]:
        for _ in range(PROVIDERS):
            yield env.timeout(math.ceil(math.log(1 - chance.random()) / unfound) or 1)
            if env.now >= days:
                break
        lives.append(min(env.now, days))

    for _ in range(campaigns):
        env.process(campaign())
    env.run()
    return sum(lives) / campaigns


MODELS: dict[str, Callable[[int, int, int], float]] = {
    "tocsin": tocsin, "mesa": mesa, "simpy-days": simpy_days, "simpy-events": simpy_events,
}  # fmt: skip


def main(name: str, campaigns: str, days: str, seed: str) -> None:
    MODELS[name](1000, int(days), int(seed))  # imports and first calls do not count
    started = time.process_time()
    life = MODELS[name](int(campaigns), int(days), int(seed))
    spent = time.process_time() - started
    library = name.partition("-")[0]
    print(json.dumps({
        "version": version(library), "campaigns": int(campaigns), "days": int(days), "life": round(life, 2),
        "cpu_s": round(spent, 3), "campaign_days_per_s": round(int(campaigns) * int(days) / spent),
    }))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
