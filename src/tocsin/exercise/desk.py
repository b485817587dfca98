"""What providers do with alarms: take them up or not, wait for another one, review them in turn, act."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tocsin.exercise.dice import Dice, Floats, Ints, normal
from tocsin.exercise.scenario import MOST_PROVIDERS, Policy
from tocsin.exercise.subjects import Births, Flags, People
from tocsin.exercise.world import World

NEVER = 32_767  # a day that does not come
HEED, VERDICT, LENGTH = (8 + i * MOST_PROVIDERS for i in range(3))  # faces of the dice, one a provider


class Desk:
    """Keep, for the campaigns and people of some runs, the day from which each provider is closed to each of them.

    Shapes: `due` and the number of alarms believed (subjects, providers); `backlog` and `reviews` (runs, providers).
    """

    def __init__(self, world: World, policy: Policy, dice: Dice, births: Births, people: People, runs: range) -> None:
        self._world, self._policy, self._dice, self._first = world, policy, dice, runs.start
        self.run = np.concatenate([births.run, people.run])
        self._number = np.concatenate([births.number, people.number])
        campaigns, everybody = len(births.run), len(self.run)
        self._true = np.arange(everybody) < campaigns
        self._has = np.concatenate([np.ones((campaigns, world.providers), bool), people.has])
        self._finds = np.concatenate([self._has[:campaigns], people.has & ~people.accused[:, None]])
        self.holds, self.person_run = people.has, people.run - runs.start
        self._audience = _audience(world, policy)
        self._need = policy.need if policy.act == "corroborated" else 1
        self._believed = np.zeros((everybody, world.providers), np.uint8)
        self._verdict = np.zeros((everybody, world.providers), np.int16)  # no second review before the first is over
        self.due = np.full((everybody, world.providers), NEVER, np.int16)
        self.backlog = np.zeros((len(runs), world.providers))
        self.reviews = np.zeros((len(runs), world.providers))

    def hear(self, day: int, subject: Ints, sender: Ints) -> None:
        """Let every provider hear the alarms of a day, and close the sender's own door; a subject is there once."""
        self._act_at_home(day, subject, sender)
        if self._policy.share != "none" and len(subject):
            self._pass_on(day, subject, sender)

    def _act_at_home(self, day: int, subject: Ints, sender: Ints) -> None:
        """Let providers act on what they found themselves, whatever alarm may be pending."""
        acts = self._finds[subject, sender]
        if not self._policy.alone:
            self._believed[subject, sender] += acts
            acts = acts & (self._believed[subject, sender] >= self._need)
        subject, sender = subject[acts], sender[acts]
        self.due[subject, sender] = np.minimum(self.due[subject, sender], day)

    def _pass_on(self, day: int, subject: Ints, sender: Ints) -> None:
        """Let the others take alarms up, or not."""
        world, run = self._world, self.run[subject]
        due = self.due[subject]
        heed = self._throw(subject, sender, HEED) < world.heed[run, world.side[sender]]
        acts = (due == NEVER) & self._has[subject] & self._audience[sender] & heed
        when = day + np.floor(world.delay[run])
        if self._policy.act == "review":
            acts, when = self._reviewed(acts & (self._verdict[subject] <= day), when, subject, sender)
        elif self._need > 1:
            believed = self._believed[subject] + acts
            self._believed[subject] = believed
            acts &= believed >= self._need
        self.due[subject] = np.where(acts, np.minimum(when, NEVER), due)

    def close_day(self) -> None:
        """Let the reviewers work off what they can in a day."""
        capacity = self._world.capacity[self._first : self._first + len(self.backlog)]
        self.backlog = np.maximum(self.backlog - capacity, 0)

    def _reviewed(self, queued: Flags, when: Floats, subject: Ints, sender: Ints) -> tuple[Flags, Floats]:
        """Put alarms at the end of the queues; return those that will be confirmed, and when."""
        run, checks = self.run[subject], self._world.checks
        ahead = self._queue(queued, run)
        capacity = self._world.capacity[run]
        wait = np.floor(np.divide(ahead, capacity, out=np.full(ahead.shape, np.inf), where=capacity > 0))
        length = _days(checks.days.median[run], checks.days.sigma[run], self._throw(subject, sender, LENGTH))
        chance = np.where(self._true[subject], checks.confirms[run], 1 - checks.clears[run])
        confirmed = queued & (self._throw(subject, sender, VERDICT) < chance[:, None])
        verdict = np.minimum(when + wait + length, NEVER)
        self._verdict[subject] = np.where(queued, verdict, self._verdict[subject])
        return confirmed, verdict

    def _queue(self, queued: Flags, run: Ints) -> Floats:
        """Count who stands before each alarm in its queue, and lengthen the queues."""
        order = np.argsort(run, kind="stable")
        lined = queued[order].astype(np.float64)
        upto = np.cumsum(lined, axis=0)
        runs, first = np.unique(run[order], return_index=True)
        last = np.append(first[1:], len(order)) - 1
        before = upto[first] - lined[first]
        place = np.empty(upto.shape)
        of = np.repeat(np.arange(len(runs)), last - first + 1)
        place[order] = upto - lined - before[of] + self.backlog[runs - self._first][of]
        self.backlog[runs - self._first] += upto[last] - before
        self.reviews[runs - self._first] += upto[last] - before
        return place

    def _throw(self, subject: Ints, sender: Ints, face: int) -> Floats:
        return self._dice.throw(self._number[subject], sender, face, self._world.providers)


def _audience(world: World, policy: Policy) -> Flags:
    """Say which provider (column) hears the alarms of which (row); nobody hears its own."""
    same = world.side[:, None] == world.side
    reach = {"none": same & False, "side": same, "all": same | True}[policy.share]
    return np.asarray(reach & ~np.eye(world.providers, dtype=bool))


def _days(median: Floats, sigma: Floats, even: Floats) -> Floats:
    return np.asarray(np.floor(median[:, None] * np.exp(sigma[:, None] * normal(even))))


def days_of(people: People, horizon: int) -> Iterator[list[slice]]:
    """Find the alarms about people of each day from 0 to the horizon, in waves in which nobody is there twice."""
    waves = int(people.wave.max(initial=0)) + 1
    edges = np.searchsorted(people.day * waves + people.wave, np.arange((horizon + 1) * waves + 1)).tolist()
    parts = [slice(a, b) for a, b in pairwise(edges)]
    yield from (parts[day * waves : (day + 1) * waves] for day in range(horizon + 1))
