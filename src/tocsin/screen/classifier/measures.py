"""Measures of ranking: areas, recall at a share of false alarms, calibration; intervals by bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
DRAWS = 200
BINS = 10
INTERVAL = (2.5, 97.5)


def auroc(harm: Floats, misuse: Mask) -> float:
    """Give the chance that a misuse text outranks a benign one; ties count half."""
    positives, negatives = np.sort(harm[misuse]), np.sort(harm[~misuse])
    if not len(positives) or not len(negatives):
        return float("nan")
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.sum() / 2 / len(positives) / len(negatives))


def auprc(harm: Floats, misuse: Mask) -> float:
    """Give average precision; of equal scores none comes before another."""
    if not misuse.any():
        return float("nan")
    order = np.argsort(-harm, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(harm[order]) != 0, True))
    found = np.cumsum(misuse[order])[ends]
    precision, step = found / (ends + 1), np.diff(found, prepend=0)
    return float((precision * step).sum() / found[-1])


def threshold_at(benign: Floats, share: float) -> float:
    """Give the lowest score that at most this share of benign texts exceeds."""
    if not len(benign):
        return float("nan")
    return float(np.sort(benign)[max(0, int(np.ceil(len(benign) * (1 - share))) - 1)])


def recall_at(harm: Floats, misuse: Mask, share: float) -> float:
    """Give the share of misuse above the threshold that a share of the benign texts exceeds."""
    if not misuse.any():
        return float("nan")
    return float((harm[misuse] > threshold_at(harm[~misuse], share)).mean())


def interval(measure: Callable[[Floats, Mask], float], harm: Floats, misuse: Mask, seed: int) -> tuple[float, float]:
    """Give the middle 95 % of a measure over resampled texts, misuse and benign apart."""
    draw = np.random.default_rng(seed)
    positives, negatives = np.flatnonzero(misuse), np.flatnonzero(~misuse)
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate([draw.choice(side, len(side)) for side in (positives, negatives) if len(side)])
        found.append(measure(harm[rows], misuse[rows]))
    low, high = np.percentile(found, INTERVAL)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Bin:
    """Hold one bin of a reliability diagram: what was said and what was so, both sides weighing alike."""

    said: float
    so: float
    texts: int


def reliability(harm: Floats, misuse: Mask) -> list[Bin]:
    """Compare probabilities with shares of misuse, in bins of a tenth, at even odds."""
    sides = [max(1, int(side.sum())) for side in (misuse, ~misuse)]
    weight = np.where(misuse, 1 / sides[0], 1 / sides[1])
    place = np.minimum((harm * BINS).astype(np.int64), BINS - 1)
    bins = []
    for number in range(BINS):
        rows = place == number
        if rows.any():
            total = weight[rows].sum()
            said, so = (weight[rows] * harm[rows]).sum() / total, weight[rows & misuse].sum() / total
            bins.append(Bin(float(said), float(so), int(rows.sum())))
    return bins


def calibration_error(bins: list[Bin]) -> float:
    """Give the mean distance between said and so, by texts."""
    texts = sum(b.texts for b in bins)
    return sum(abs(b.said - b.so) * b.texts for b in bins) / texts if texts else float("nan")
