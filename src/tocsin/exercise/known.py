"""What is known in closed form of the exercise's own model.

Throughout: n providers, a chance p a day that a campaign is found where it runs; it moves on at once to an open
provider drawn evenly, until none is left. Units: days.
"""

from functools import cache
from math import comb

import numpy as np


def life_unshared(n: int, p: float) -> float:
    """Give the mean life where nobody shares; with n sides that share inside, where only they do."""
    return n / p


@cache
def bans_until_shut(n: int, q: float) -> float:
    """Give the mean number of times that a campaign is found where each other provider heeds with chance q."""
    if n == 0:
        return 0.0
    return 1 + sum(
        comb(n - 1, j) * q**j * (1 - q) ** (n - 1 - j) * bans_until_shut(n - 1 - j, q) for j in range(n)
    ) if q < 1 else 1.0  # fmt: skip


def life_heeded(n: int, p: float, q: float) -> float:
    """Give the mean life where every alarm reaches all and each heeds it with chance q."""
    return bans_until_shut(n, q) / p


def life_delayed(p: float, delay: int) -> float:
    """Give the mean life where all share, `delay` days late, and providers do not run out before."""
    return 1 / p + delay


def life_ending(p: float, days: int) -> float:
    """Give the mean life where all share and a campaign ends by itself after so many days."""
    return (1 - (1 - p) ** days) / p


def life_frail(p: float, variance: float, days: int) -> float:
    """Give the mean life, cut at `days`, where all share and findability has a gamma spread of this variance."""
    rate = -np.log1p(-p)
    return float(((1 + variance * rate * np.arange(days)) ** (-1 / variance)).sum())


def life_learning(n: int, p: float, learning: float) -> float:
    """Give the mean life where nobody shares and each ban takes a share of the remaining findability."""
    return float((1 / (1 - (1 - p) ** ((1 - learning) ** np.arange(n)))).sum())


def life_with_a_way_out(n: int, p: float, stays: float) -> float:
    """Give the mean life inside where nobody shares and a ban leaves a campaign inside with chance `stays`."""
    return float(stays ** np.arange(n) @ np.ones(n)) / p


def accounts_unshared(k: int, f: float) -> float:
    """Give the mean number of accounts closed of an innocent person with k of them, where nobody shares."""
    return k * f


def accounts_automatic(k: int, f: float, errors: float = 0.0) -> float:
    """Give the same where every alarm closes all of a person's accounts.

    `errors` is the variance of how easily people are mistaken: 0 where providers err independently.
    """
    return k * (1 - _spared(k, f, errors))


def accounts_corroborated(k: int, f: float, errors: float = 0.0) -> float:
    """Give the same where all accounts are closed once two providers err about the person, and none before."""
    exactly_one = k * (_spared(k - 1, f, errors) - _spared(k, f, errors))
    return k * (1 - _spared(k, f, errors) - exactly_one)


def _spared(k: int, f: float, errors: float) -> float:
    """Give the chance that k given providers all leave a person alone."""
    if not errors:
        return (1 - f) ** k
    rate = ((1 - f) ** -errors - 1) / errors
    return float((1 + errors * k * rate) ** (-1 / errors))


def backlog(load: float) -> float:
    """Give the mean number of alarms left at night where one a day is reviewed and `load` a day come, Poisson."""
    return load**2 / (2 * (1 - load))
