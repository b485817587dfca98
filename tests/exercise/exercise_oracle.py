"""The same exercise a second time, as processes in SimPy: one campaign, one reviewer, one accuser after another.

It shares nothing with the engine but the scenario's fields, and takes every number as drawn (ranges must be closed).
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import simpy

from tocsin.exercise import Scenario
from tocsin.exercise.scenario import Campaigns, Delay, Policy, Provider

BEFORE_THE_DAY = 0.1


@dataclass(eq=False)
class Subject:
    """A campaign, or a person with accounts; `accounts` are the providers where it can be met."""

    true: bool
    accounts: frozenset[int]
    accused: bool = False
    believed: dict[int, int] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)  # for review
    doors: dict[int, simpy.Event] = field(default_factory=dict)  # triggered when shut


@dataclass
class Life:
    inside: int = 0
    outside: int = 0


@dataclass
class Outcome:
    lives: list[Life] = field(default_factory=list)
    closed: int = 0
    reviews: int = 0


class Oracle:
    def __init__(self, scenario: Scenario, policy: Policy, seed: int) -> None:
        self.scenario, self.policy, self.random = scenario, policy, random.Random(seed)
        self.env = simpy.Environment()
        self.members: tuple[Provider, ...] = scenario.members
        self.reviewers = [simpy.Resource(self.env) for _ in self.members]
        self.people: list[Subject] = []
        self.outcome = Outcome()

    def run(self) -> Outcome:
        scenario, env = self.scenario, self.env
        for kind in scenario.campaigns:
            for _ in range(round(kind.rate * scenario.days)):
                env.process(self.campaign(kind, self.random.randrange(scenario.days)))
        for _ in range(scenario.innocents.people):
            self.meet_person()
        if scenario.poison:
            env.process(self.accuse())
        env.run(until=scenario.days + 0.01)
        self.outcome.closed = sum(door.triggered for p in self.people for j, door in p.doors.items() if j in p.accounts)
        return self.outcome

    # campaigns

    def campaign(self, kind: Campaigns, start: int) -> Iterator[Any]:
        spread = self.scenario.detectors.shared_misses.low
        findable = self.random.gammavariate(1 / spread, spread) if spread else 1.0
        end = min(self.scenario.days, start + math.ceil(min(self.lognormal(kind.lifetime), self.scenario.days)))
        subject = Subject(True, frozenset(range(len(self.members))))
        life, bans = Life(), 0
        self.outcome.lives.append(life)
        yield self.env.timeout(start)
        while (now := round(self.env.now)) < end:
            open_ = [j for j in range(len(self.members)) if not self.door(subject, j).triggered]
            if self.random.random() < self.lure(bans, bool(open_)):
                life.outside = end - now
                return
            if not open_:
                return
            at = self.random.choices(open_, [self.members[j].size.low for j in open_])[0]
            wait = self.until_found(at, kind, findable, bans)
            found, over = self.env.timeout(wait), self.env.timeout(end - now)
            yield found | over | self.door(subject, at)
            today = math.ceil(self.env.now)
            life.inside += today - now
            if not found.processed and not self.door(subject, at).triggered:
                return
            yield self.env.timeout(today - self.env.now)
            if wait == today - now:
                self.issue(subject, at)
            bans += 1
            if self.random.random() >= kind.displacement.low:
                return
            yield self.env.timeout(math.floor(self.lognormal(kind.return_delay)))

    def lure(self, bans: int, any_open: bool) -> float:
        outside = self.scenario.outside
        if not any_open:
            return outside.last_resort.low
        return outside.pull.low if bans else outside.start.low

    def until_found(self, at: int, kind: Campaigns, findable: float, bans: int) -> float:
        """Throw day by day."""
        missed = (1 - self.members[at].recall[kind.kind].low) ** (findable * (1 - kind.skill_growth.low) ** bans)
        for day in range(1, self.scenario.days + 1):
            if self.random.random() >= missed:
                return day
        return self.scenario.days + 1

    # people

    def meet_person(self) -> None:
        """Give a person accounts and an own proneness, and let each provider err or not."""
        alike = self.scenario.detectors.shared_errors.low - 1
        factor = self.random.gammavariate(1 / alike, alike) if alike else 1.0
        person = self.person(accused=False)
        for j in person.accounts:
            chance = 1 - math.prod(1 - f.low for f in self.members[j].false_positives.values())
            rate = ((1 - chance) ** -alike - 1) / alike if alike else -math.log(1 - chance)
            if self.random.random() < 1 - math.exp(-rate * factor * self.scenario.days / 365):
                self.env.process(self.later(person, j, self.random.randint(1, self.scenario.days)))

    def person(self, *, accused: bool) -> Subject:
        left, accounts = list(range(len(self.members))), []
        for _ in range(self.scenario.innocents.accounts):
            accounts.append(self.random.choices(left, [self.members[j].size.low for j in left])[0])
            left.remove(accounts[-1])
        self.people.append(Subject(False, frozenset(accounts), accused))
        return self.people[-1]

    def accuse(self) -> Iterator[Any]:
        poison = self.scenario.poison
        assert poison is not None
        liars = [j for j, m in enumerate(self.members) if m.side == poison.side][: poison.members]
        while True:
            yield self.env.timeout(self.random.expovariate(poison.rate.low))
            victim = self.person(accused=True)
            for liar in liars:
                self.env.process(self.later(victim, liar, self.random.randint(1, self.scenario.days)))

    def later(self, subject: Subject, sender: int, day: int) -> Iterator[Any]:
        """An accusation's day is even over the exercise, whenever it was thought of."""
        if day > self.env.now:
            yield self.env.timeout(day - self.env.now)
            self.issue(subject, sender)
        else:
            self.issue(subject, sender)
            yield self.env.timeout(0)

    # alarms

    def issue(self, subject: Subject, sender: int) -> None:
        if not subject.accused and sender in subject.accounts:
            self.shut(subject, sender)
        for j, member in enumerate(self.members):
            near = member.side == self.members[sender].side
            heard = self.policy.share == "all" or (self.policy.share == "side" and near)
            if j == sender or not heard or j not in subject.accounts or self.door(subject, j).triggered:
                continue
            if self.random.random() < member.heed[self.members[sender].side].low:
                self.take_up(subject, j)

    def take_up(self, subject: Subject, j: int) -> None:
        subject.believed[j] = subject.believed.get(j, 0) + 1
        if self.policy.act == "review" and j in subject.waiting:
            return
        if self.policy.act == "review":
            subject.waiting.add(j)
            self.env.process(self.review(subject, j))
            self.outcome.reviews += 1
        elif subject.believed[j] >= (self.policy.need if self.policy.act == "corroborated" else 1):
            self.env.process(self.shut_after(subject, j, math.floor(self.members[j].delay.low)))

    def review(self, subject: Subject, j: int) -> Iterator[Any]:
        """Wait for the provider's one reviewer, who gives every alarm an equal part of a day."""
        issued = self.env.now
        with self.reviewers[j].request() as turn:
            yield turn
            waited = math.floor(self.env.now - issued + 1e-9)
            length = math.floor(self.lognormal(self.scenario.review.days))
            due = issued + math.floor(self.members[j].delay.low) + waited + length
            right = self.scenario.review.confirms.low if subject.true else 1 - self.scenario.review.clears.low
            if self.random.random() < right:
                self.env.process(self.shut_after(subject, j, due - self.env.now))
            self.env.process(self.forget(subject, j, due - self.env.now))
            yield self.env.timeout(1 / self.members[j].capacity.low)

    def forget(self, subject: Subject, j: int, days: float) -> Iterator[Any]:
        """After the verdict, another alarm may be reviewed."""
        yield self.env.timeout(days - BEFORE_THE_DAY)
        subject.waiting.discard(j)

    def shut_after(self, subject: Subject, j: int, days: float) -> Iterator[Any]:
        if days > 0:
            yield self.env.timeout(days - BEFORE_THE_DAY)
        else:
            assert days == 0
        self.shut(subject, j)

    def shut(self, subject: Subject, j: int) -> None:
        if not self.door(subject, j).triggered:
            self.door(subject, j).succeed()

    def door(self, subject: Subject, j: int) -> simpy.Event:
        return subject.doors.setdefault(j, self.env.event())

    def lognormal(self, delay: Delay) -> float:
        return delay.median.low * math.exp(delay.sigma.low * self.random.gauss(0, 1))
