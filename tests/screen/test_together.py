"""When accounts came together, and when that tells nothing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from screen_runs import screened, tallied

from tocsin.screen import Behaviour, RuleDetector
from tocsin.screen.examples.scenes import Event, at, event, town, traffic
from tocsin.screen.together import UNKNOWN, Arrivals, Times, came_together

HOUR = 3_600_000_000


def together(group: Sequence[float | None], others: Sequence[float | None], *, seen: bool = False) -> bool:
    """Say it of sign-ups, or of first appearances where no sign-up is known. Units: hours."""
    times = np.array([UNKNOWN if t is None else int(t * HOUR) for t in [*group, *others]], dtype=np.int64)
    nobody = Times.holding(np.full(len(times), UNKNOWN))
    given = Times.holding(times)
    arrivals = Arrivals(nobody, given) if seen else Arrivals(given, nobody)
    return came_together(np.arange(len(group)), arrivals)


FAR = [1000.0 * n for n in range(1, 21)]


@pytest.mark.parametrize(
    ("group", "holds"),
    [
        ([0, 1, 2, 3, 4], True),
        ([0, 36, 72, 5000, 9000], True),
        ([0, 36, 72.01, 5000, 9000], False),
        ([0, 1, 5000, 7000, 9000], False),
        ([0, 1, 2, None, None], True),
        ([0, 1, None, None, None], False),
        ([0, 1, 500, None, None], False),
        ([0, 1], False),
        ([], False),
    ],
)
def test_three_fifths_must_sign_up_within_three_days(group: list[float | None], holds: bool) -> None:
    assert together(group, FAR) is holds


def test_times_before_1970_are_times_too() -> None:
    assert together([-9000, -9001, -9002, -9003], FAR)


def test_a_stretch_in_which_many_others_came_tells_nothing() -> None:
    assert together([0, 1, 2, 3], [*range(6), *FAR[:12]])
    assert not together([0, 1, 2, 3], [*range(7), *FAR[:12]])


def test_a_group_that_is_most_of_everyone_tells_nothing() -> None:
    assert together([0, 1, 2, 3], FAR[:4])
    assert not together([0, 1, 2, 3], FAR[:3])


def test_appearing_counts_within_a_day() -> None:
    assert together([0, 8, 24], FAR, seen=True)
    assert not together([0, 8, 25], FAR, seen=True)


def seen(hours: Sequence[float], start: float = 0) -> list[Event]:
    return [*town(days=30), event("first", 1, start, "x"), *(event(f"g{n}", 1, h, "x") for n, h in enumerate(hours))]


@pytest.mark.parametrize(("day", "holds"), [(0.5, False), (2.9, False), (3.1, True), (20, True)])
def test_who_is_there_from_the_start_did_not_appear(day: float, holds: bool, bell_detector: RuleDetector) -> None:
    events = seen([24 * day + n / 10 for n in range(5)])
    behaviour = Behaviour(tallied(p.activity for p in screened(events, bell_detector)), [], {})
    assert behaviour.came_together(behaviour.places(pa.array([f"g{n}" for n in range(5)]))) is holds


def test_sign_ups_said_late_count_from_the_earliest(bell_detector: RuleDetector) -> None:
    events = seen([50, 51, 52, 53])
    events += [event(f"g{n}", 2, 60, "y", signed_up=at(n)) for n in range(4)]
    events += [event(f"g{n}", 3, 61, "z", signed_up=at(900 * n)) for n in range(4)]
    behaviour = Behaviour(tallied(p.activity for p in screened(events, bell_detector)), [], {})
    assert behaviour.came_together(behaviour.places(pa.array([f"g{n}" for n in range(4)])))
    assert traffic(events).num_rows == len(events)
