"""Logistic regression by L-BFGS in plain arrays: the same input gives the same weights, to the byte.

Source: Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 3.5 (backtracking in place of Wolfe).
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]
MEMORY = 10
ENOUGH = 1e-4  # of the first gradient's length
SUFFICIENT = 1e-4  # of the decrease that the slope promises


class Matrix(Protocol):
    """What a model is fitted on: a sparse matrix of features, or a dense one of vectors."""

    @property
    def width(self) -> int:
        """Count the columns."""
        ...

    def dot(self, weights: Floats) -> Floats:
        """Multiply by a vector."""
        ...

    def dot_transposed(self, vector: Floats) -> Floats:
        """Multiply the transpose by a vector."""
        ...


def fit_logistic(x: Matrix, target: Floats, weight: Floats, penalty: float, rounds: int) -> tuple[Floats, float]:
    """Fit weights and intercept to targets between 0 and 1; the intercept is not penalised.

    Shape: target and weight have a value a row of x.
    """

    def objective(at: Floats) -> tuple[float, Floats]:
        logit = x.dot(at[:-1]) + at[-1]
        loss = weight * (np.logaddexp(0, logit) - target * logit)
        slope = weight * (probability(logit) - target)
        gradient = np.append(x.dot_transposed(slope) + penalty * at[:-1], slope.sum())
        return float(loss.sum() + penalty * _inner(at[:-1], at[:-1]) / 2), gradient

    found = minimise(objective, np.zeros(x.width + 1), rounds)
    return found[:-1], float(found[-1])


def probability(logit: Floats) -> Floats:
    """Turn logits into probabilities."""
    return 0.5 + 0.5 * np.tanh(logit / 2)


def minimise(objective: Objective, start: Floats, rounds: int) -> Floats:
    """Walk downhill for at most so many rounds, or until the gradient is small."""
    at, (value, gradient) = start, objective(start)
    enough = ENOUGH * _inner(gradient, gradient) ** 0.5
    past: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
    for _ in range(rounds):
        if _inner(gradient, gradient) ** 0.5 <= enough:
            break
        way = _direction(gradient, past)
        step, slope = 1.0 if past else 1 / max(1.0, _inner(gradient, gradient) ** 0.5), _inner(gradient, way)
        while True:
            there = at + step * way
            new_value, new_gradient = objective(there)
            if new_value <= value + SUFFICIENT * step * slope or step < 1e-12:
                break
            step /= 2
        moved, turned = there - at, new_gradient - gradient
        if (curve := _inner(moved, turned)) > 0:
            past.append((moved, turned, curve))
        at, value, gradient = there, new_value, new_gradient
    return at


def _direction(gradient: Floats, past: deque[tuple[Floats, Floats, float]]) -> Floats:
    way, held = -gradient, []
    for moved, turned, curve in reversed(past):
        share = _inner(moved, way) / curve
        way = way - share * turned
        held.append(share)
    if past:
        moved, turned, curve = past[-1]
        way = way * (curve / _inner(turned, turned))
    for (moved, turned, curve), share in zip(past, reversed(held), strict=True):
        way = way + (share - _inner(turned, way) / curve) * moved
    return way


def _inner(a: Floats, b: Floats) -> float:
    return float(np.sum(a * b))  # not BLAS, whose order of adding depends on its threads
