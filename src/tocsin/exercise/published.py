"""Published results that planners lean on: their formulas, and a second way to each figure."""

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Literal

import numpy as np

from tocsin.exercise.dice import Floats

Knowing = Literal["nothing", "own", "all"]
KNOWING: tuple[Knowing, ...] = ("nothing", "own", "all")
Told = tuple[str, float, float, float, float]  # case, theory, simulated, low, high
_DEVIATIONS = NormalDist().inv_cdf(0.9995)
_SAMPLES = 2_000_000
_LIMIT = 1e12  # stands for "much larger" where a result holds in a limit


def true_alarm_share(base: float, detection: float, false_alarms: float) -> float:
    """Give the share of alarms that are true (Axelsson, "The base-rate fallacy", 1999/2000)."""
    return base * detection / (base * detection + (1 - base) * false_alarms)


def race_danger(n: int, top: float, enmity: float, knowing: Knowing) -> float:
    """Give the danger of a race of n teams with capability even on 0 to `top` (Armstrong, Bostrom, Shulman, 2013/2016).

    `knowing`: "nothing", "own" capability, or "all" of them.
    """
    if knowing == "nothing":
        return max(0.0, 1 - top / (n * enmity))
    if knowing == "own":
        return 1 - n / (n + 1) * top / (enmity * (n - 1) + 1)
    return 1 - top / ((n + 1) * enmity) * (1 - float(max(0.0, 1 - enmity / top) ** (n + 1)))


def safe_is_better(speed: float) -> float:
    """Give the risk above which everybody gains from safety, for a prize much above the rest (Han et al., 2019)."""
    return 1 - 1 / speed


def safe_is_dominant(speed: float) -> float:
    """Give the risk above which safety also wins in doubt about the other, in the same limit (Han et al., 2019)."""
    return 1 - 1 / (3 * speed)


def best_spending(v: float, loss: float, alpha: float, beta: float) -> float:
    """Give the optimal spending for breach functions of class I (Gordon and Loeb, 2002)."""
    return (math.pow(v * beta * alpha * loss, 1 / (beta + 1)) - 1) / alpha


def erlang_b(servers: int, load: float) -> float:
    """Give the chance to be turned away (Erlang, 1917), by the usual recursion."""
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """Give the chance to have to wait (Erlang, 1917)."""
    blocked = erlang_b(servers, load)
    return blocked / (1 - load / servers * (1 - blocked))


def final_size(spread: float) -> float:
    """Give the share that an epidemic reaches in the end (Kermack and McKendrick, 1927): z = 1 − exp(−spread · z)."""
    return _root(lambda z: 1 - math.exp(-spread * z) - z, 1e-9, 1)


def published_cases(seed: int, scale: float) -> Iterator[Told]:
    """Compare the published figures, to their stated digits, with the formulas and with the second ways."""
    for name, figure, digits, formula, _ in _results():
        half = 0.5 * 10**-digits
        yield f"{name}: formula", figure, formula, formula - half, formula + half
    random = np.random.default_rng([seed, 4])
    for name, _, digits, formula, second in _results():
        values = second(random, max(2, round(scale * _SAMPLES)))
        mean = float(values.mean())
        error = _DEVIATIONS * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0
        slack = error or 0.5 * 10**-digits
        yield f"{name}: second way", formula, mean, mean - slack, mean + slack


Second = Callable[[np.random.Generator, int], Floats]


def _results() -> Iterator[tuple[str, float, int, float, Second]]:
    """Name every result: the published figure, its digits, the formula's value, a second way to it."""
    base, false = 2e-5, 1e-5
    for d, figure in ((1.0, 0.6667), (0.7, 0.5833)):
        yield f"Axelsson, d = {d:g}", figure, 4, true_alarm_share(base, d, false), _alarms(base, d, false)
    for n, top, figures in ((2, 1.0, (0.5, 0.6667, 0.6667)), (5, 2.0, (0.6, 0.6667, 0.6719))):
        for knowing, figure in zip(KNOWING, figures, strict=True):
            name = f"Armstrong et al., {n} teams, top {top:g}, knowing {knowing}"
            yield name, figure, 4, race_danger(n, top, 1, knowing), _race(n, top, knowing)
    yield "Han et al., safe better, s = 1.5", 1 / 3, 9, safe_is_better(1.5), _payoffs(1.5, dominant=False)
    yield "Han et al., safe dominant, s = 1.5", 7 / 9, 9, safe_is_dominant(1.5), _payoffs(1.5, dominant=True)
    yield "Gordon-Loeb, best spending", 41_421.4, 1, best_spending(0.5, 4e5, 1e-5, 1), _cheapest(0.5, 4e5, 1e-5, 1)
    yield "Erlang B(10, 4.461)", 0.01, 5, erlang_b(10, 4.461), _queue(10, 4.461, 10)
    yield "Erlang C(2, 1)", 1 / 3, 9, erlang_c(2, 1), _queue(2, 1, 400)
    for spread, figure in ((1.5, 0.5828), (2.0, 0.7968), (3.0, 0.9405)):
        yield f"Kermack-McKendrick, R0 = {spread:g}", figure, 4, final_size(spread), _generations(spread)


def _alarms(base: float, detection: float, false: float) -> Second:
    """Draw events, intrusions among them, and alarms."""

    def second(random: np.random.Generator, samples: int) -> Floats:
        events = round(samples / (base * detection + (1 - base) * false))
        attacks = random.binomial(events, base)
        true, wrong = random.binomial(attacks, detection), random.binomial(events - attacks, false)
        return np.repeat([1.0, 0.0], [true, wrong])

    return second


def _race(n: int, top: float, knowing: Knowing) -> Second:
    """Draw capabilities and let every team choose its safety in equilibrium; without knowledge, search for the
    safety to which no team has a better answer.
    """

    def second(random: np.random.Generator, samples: int) -> Floats:
        if knowing == "nothing":
            return np.array([1 - _equilibrium(n, top)])
        able = np.sort(random.uniform(0, top, (samples, n)), axis=1)
        chosen = able[:, -1] / n if knowing == "own" else able[:, -1] - able[:, -2]
        return np.asarray(1 - np.minimum(chosen, 1))

    return second


def _equilibrium(n: int, top: float) -> float:
    """Find where the best answer to everybody's safety is that safety, with enmity 1: losing then is worth nothing."""
    x = (np.arange(20_000) + 0.5) / 20_000 * top

    def gain(safety: float) -> float:
        """Differentiate chance to win × safety at the common safety."""
        step = 1e-4
        wins = [float(((np.clip(x + d, 0, top) / top) ** (n - 1)).mean()) for d in (step, -step)]
        return 1 / n + safety * (wins[1] - wins[0]) / (2 * step)

    return _root(gain, 0, 1)


def _payoffs(speed: float, *, dominant: bool) -> Second:
    """Solve the game's own payoffs for the risk at which safe and unsafe are worth the same."""
    b, c, prize = 4.0, 1.0, _LIMIT
    both_safe, safe_alone = prize / 2 + b / 2 - c, b / (speed + 1) - c
    both_fast, fast_alone = speed * prize / 2 + b / 2, speed * prize + speed * b / (speed + 1)
    safe = both_safe + safe_alone * dominant
    fast = both_fast + fast_alone * dominant
    return lambda random, samples: np.array([_root(lambda risk: (safe - (1 - risk) * fast) / prize, 0, 1)])


def _cheapest(v: float, loss: float, alpha: float, beta: float) -> Second:
    """Find where one more unit of spending saves exactly one unit of expected loss."""

    def saved(z: float) -> float:
        step = 1.0
        lost = [v * loss / math.pow(alpha * at + 1, beta) for at in (z - step, z + step)]
        return (lost[0] - lost[1]) / (2 * step) - 1

    return lambda random, samples: np.array([_root(saved, 0, v * loss)])


def _queue(servers: int, load: float, places: int) -> Second:
    """Solve the balance equations of the queue; with places for waiting, count who waits, else who is turned away."""

    def second(random: np.random.Generator, samples: int) -> Floats:
        flow = np.diag(np.full(places, load), 1) + np.diag(np.minimum(np.arange(1, places + 1), servers), -1)
        balance = (flow - np.diag(flow.sum(axis=1))).T
        balance[-1] = 1
        state = np.linalg.solve(balance, np.eye(places + 1)[-1])
        return np.array([state[servers:].sum()])

    return second


def _generations(spread: float) -> Second:
    """Follow the epidemic from one generation to the next, from one case in a thousand million."""

    def second(random: np.random.Generator, samples: int) -> Floats:
        healthy, ill = 1.0, 1e-9
        while ill > 1e-15:
            left = healthy * math.exp(-spread * ill)
            healthy, ill = left, healthy - left
        return np.array([1 - healthy])

    return second


def _root(of: Callable[[float], float], low: float, high: float) -> float:
    """Halve the interval until it is a point; `of` changes sign once inside."""
    rising = of(high) > of(low)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if (of(middle) > 0) == rising else (middle, high)
    return (low + high) / 2
