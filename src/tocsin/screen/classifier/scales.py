"""Scales: from raw scores to probabilities at even odds, per language and stage, fitted on rows kept apart."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.linear import fit_logistic, probability

Floats = NDArray[np.float64]
PENALTY, ROUNDS = 1e-3, 100
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # of ordinary texts
SPEAKS_AT = 0.001  # the share whose probability is exceeded by what a finding speaks of
CANDIDATES = 8  # the place in SHARES of those that the second stage may look at


class Scale(msgspec.Struct, frozen=True):
    """Turn raw scores of one language into a probability at even odds.

    `slopes` has one number an input, see `stages.inputs`; `exceeded` the probabilities that the `SHARES` of ordinary
    texts exceed, highest first.
    """

    slopes: list[float]
    intercept: float
    exceeded: list[float]

    def probability(self, inputs: NDArray[np.floating[Any]]) -> Floats:
        """Calibrate. Shape: a row of inputs a text."""
        columns = np.asarray(inputs, dtype=np.float64).T
        weighed = [column * slope for column, slope in zip(columns, self.slopes, strict=True)]
        return probability(np.asarray(sum(weighed)) + self.intercept)

    def threshold(self, share: float) -> float:
        """Give a probability that at most this share of ordinary texts exceeds; 1.0 where the share is below all."""
        at = bisect_left(SHARES, share)
        at -= at == len(SHARES) or SHARES[at] > share
        return self.exceeded[at] if at >= 0 else 1.0


def by_language(langs: NDArray[np.str_], scales: Mapping[str, Scale], of: Callable[[Scale], Floats | float]) -> Floats:
    """Give each text what the scale of its language says; 0 where there is none."""
    given = np.zeros(len(langs))
    for lang, scale in scales.items():
        np.copyto(given, of(scale), where=langs == lang)
    return given


@dataclass(frozen=True)
class Dense:
    """Hold a dense matrix to fit on."""

    rows: Floats

    @property
    def width(self) -> int:
        """Count the columns."""
        return int(self.rows.shape[1])

    def dot(self, weights: Floats) -> Floats:
        """Multiply by a vector."""
        return np.asarray((self.rows * weights).sum(axis=1))

    def dot_transposed(self, vector: Floats) -> Floats:
        """Multiply the transpose by a vector."""
        return np.asarray((self.rows * vector[:, None]).sum(axis=0))


def fit_scale(inputs: Floats, misuse: NDArray[np.bool_], weights: Floats, trust: Floats) -> Scale:
    """Fit a scale on rows that no model saw; weights are balanced, so that the odds are even.

    `trust` multiplies each slope: below 1 where an input flatters itself on these rows.
    """
    slopes, _ = fit_logistic(Dense(inputs), misuse.astype(np.float64), weights, PENALTY, ROUNDS)
    summed = (inputs * (slopes * trust)).sum(axis=1, keepdims=True)
    (slope,), intercept = fit_logistic(Dense(summed), misuse.astype(np.float64), weights, PENALTY, ROUNDS)
    found = probability(summed[:, 0] * slope + intercept)[~misuse]
    exceeded = [round(float(np.quantile(found, 1 - share)), 6) for share in SHARES]
    return Scale([round(float(s), 6) for s in slopes * trust * slope], round(intercept, 6), exceeded)
