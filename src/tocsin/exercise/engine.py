"""The engine: all campaigns of many runs at once, one day after another."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.exercise.desk import NEVER, Desk, days_of
from tocsin.exercise.dice import Dice, Floats, Ints, normal
from tocsin.exercise.scenario import Policy
from tocsin.exercise.subjects import Births, Flags, People
from tocsin.exercise.world import World

Days = npt.NDArray[np.int16]
AWAY, GAVE_UP = -1, -2  # instead of a provider; the number of providers itself stands for outside
_FOUND, _LURED, _GO_ON, _BACK = range(4)  # faces of the dice


@dataclass(frozen=True, slots=True)
class Fates:
    """Hold what became of the campaigns and people of some runs under one policy.

    Shapes: (campaigns,) for `inside` and `outside` (days active), `at` (provider, providers for outside, AWAY or
    GAVE_UP), `known` (the day from which every provider is closed to it, or NEVER); `person_run` (people,), the run
    within these; `hit` (people, providers); `reviews` and `backlog` (runs, providers).
    """

    inside: Ints
    outside: Ints
    at: Ints
    known: Ints
    person_run: Ints
    hit: Flags
    reviews: Floats
    backlog: Floats


def play(world: World, policy: Policy, dice: Dice, births: Births, people: People, runs: range) -> Fates:
    """Play some runs under one policy."""
    desk = Desk(world, policy, dice, births, people, runs)
    course = _Course(world, dice, births, desk)
    campaigns = len(births.run)
    for day, (first, *waves) in enumerate(days_of(people, world.days)):
        active, coming = course.today(day)
        found = active[course.spot[active] == day]
        subject = np.concatenate([found, people.subject[first] + campaigns])
        desk.hear(day, subject, np.concatenate([course.at[found], people.sender[first]]))
        for wave in waves:
            desk.hear(day, people.subject[wave] + campaigns, people.sender[wave])
        course.settle(day, np.concatenate([coming, course.leave(day, active)]))
        desk.close_day()
    return _fates(world, course, desk)


def _fates(world: World, course: "_Course", desk: Desk) -> Fates:
    last, campaigns = world.days, len(course.at)
    rest = course.until - course.since
    outside = np.where(course.at == world.providers, rest, 0)
    inside = course.inside + np.where((course.at >= 0) & (course.at < world.providers), rest, 0)
    known = desk.due[:campaigns].max(axis=1, initial=0)
    return Fates(
        inside=inside,
        outside=outside,
        at=course.at.astype(np.int64),
        known=np.where(known <= last, known, NEVER).astype(np.int64),
        person_run=desk.person_run,
        hit=(desk.due[campaigns:] <= last) & desk.holds,
        reviews=desk.reviews,
        backlog=desk.backlog,
    )


class _Course:
    """Hold where each campaign is, since when, and on which day something happens to it next."""

    def __init__(self, world: World, dice: Dice, births: Births, desk: Desk) -> None:
        self._world, self._dice, self._births, self._desk = world, dice, births, desk
        count = len(births.run)
        self.until = births.until
        self.event: Days = births.start.astype(np.int16)
        self.spot = np.full(count, NEVER, np.int16)
        self.at = np.full(count, AWAY, np.int8)
        self.since = np.zeros(count, np.int16)
        self._cell = births.run * world.classes.count.size + births.kind  # its run and class in one
        self._rate = births.findable.copy()  # the factor on every hazard that is left after bans
        self._tried = np.zeros(count, np.int8)
        self._last = np.full(count, world.providers, np.int64)  # where it was last; the place of births is none of them
        self.inside = np.zeros(count, np.int64)

    def today(self, day: int) -> tuple[Ints, Ints]:
        """Find those to whom something happens: at a provider, and coming to one."""
        today = np.flatnonzero(self.event == day)
        here = self.at[today] >= 0
        return today[here], today[~here]

    def leave(self, day: int, active: Ints) -> Ints:
        """Send away those to which their provider is closed now; return those that are back on the same day.

        A campaign that was found but not banned (nobody confirms it) stays.
        """
        due = self._desk.due[active, self.at[active]]
        banned, stays = active[due <= day], due > day
        self._await(active[stays], due[stays])
        self.inside[banned] += day - self.since[banned]
        self._last[banned] = self.at[banned]
        self._tried[banned] += 1
        self._rate[banned] *= 1 - self._drawn(self._world.classes.learning, banned)
        goes_on = self._throw(banned, _GO_ON) < self._drawn(self._world.classes.displacement, banned)
        self.at[banned] = np.where(goes_on, AWAY, GAVE_UP)
        self._await(banned, np.where(goes_on, self._back(day, banned), NEVER))
        return np.asarray(banned[self.event[banned] == day])

    def _back(self, day: int, banned: Ints) -> Days:
        pause = self._world.classes.comeback
        spread = np.exp(self._drawn(pause.sigma, banned) * normal(self._throw(banned, _BACK)))
        days = np.floor(self._drawn(pause.median, banned) * spread)
        return np.asarray(np.minimum(day + days, NEVER), dtype=np.int16)

    def settle(self, day: int, coming: Ints) -> None:
        """Bring campaigns to an open provider, outside, or to an end."""
        if not len(coming):
            return
        place = self._first_open(day, coming)
        none_open = place == self._world.providers
        lure = self._lure(self._births.run[coming], none_open, self._last[coming] == self._world.providers)
        out = self._throw(coming, _LURED) < lure
        at = np.where(out, self._world.providers, np.where(none_open, GAVE_UP, place))
        self.at[coming], self.since[coming], self.event[coming] = at, day, NEVER
        self._watch(day, coming[~out & ~none_open])

    def _first_open(self, day: int, coming: Ints) -> Ints:
        """Find the open provider that each campaign likes best, or their number where none is; doors never reopen."""
        providers = self._world.providers
        place = np.full(len(coming), providers)
        left = np.flatnonzero(self._tried[coming] < providers)
        while len(left):
            which = coming[left]
            at = self._births.order[which, self._tried[which]]
            opened = self._desk.due[which, at] > day
            place[left[opened]] = at[opened]
            left = left[~opened]
            self._tried[coming[left]] += 1
            left = left[self._tried[coming[left]] < providers]
        return place

    def _lure(self, run: Ints, none_open: Flags, first: Flags) -> Floats:
        beyond = self._world.beyond
        drawn = np.where(first, beyond.start[run], beyond.pull[run])
        return np.where(none_open, beyond.last_resort[run], drawn)

    def _watch(self, day: int, here: Ints) -> None:
        """Draw the day on which the provider itself finds a campaign, unless an alarm closes its door before."""
        at = self.at[here].astype(np.int64)
        rate = self._world.hazard.reshape(-1, self._world.providers)[self._cell[here], at] * self._rate[here]
        with np.errstate(divide="ignore"):
            wait = np.ceil(-np.log(self._dice.throw(self._births.number[here], at, _FOUND)[:, 0]) / rate)
        found = np.minimum(day + np.maximum(wait, 1), NEVER).astype(np.int16)
        self.spot[here] = found
        self._await(here, np.minimum(found, self._desk.due[here, at]))

    def _await(self, which: Ints, event: Days) -> None:
        """Set the day on which something happens next, unless the campaign ends by itself before."""
        self.event[which] = np.where(event <= self.until[which], event, NEVER)

    def _drawn(self, values: Floats, which: Ints) -> Floats:
        """Give what the run of each campaign drew for its class; `values` (runs, classes)."""
        return np.asarray(values.reshape(-1)[self._cell[which]])

    def _throw(self, which: Ints, face: int) -> Floats:
        """Throw for campaigns at the place where they were last."""
        return self._dice.throw(self._births.number[which], self._last[which], face)[:, 0]
