"""The third stage: a guard model asked about the few candidates on which the second stage is undecided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.linear import probability
from tocsin.screen.classifier.scales import Scale

Floats = NDArray[np.float64]
SURE = 0.95  # no guard is believed more than so
GREY = (0.05, 0.001)  # of ordinary texts: between the probabilities that these shares exceed lies the grey zone


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a guard says of one text: a probability of harm, or none where it did not answer; and what it cost."""

    harm: float | None
    cost: float = 0.0


Ask = Callable[[Sequence[str]], Sequence[Answer]]


def is_grey(harm: Floats, scale: Scale) -> NDArray[np.bool_]:
    """Say of which texts of one language the second stage is undecided."""
    low, high = (scale.threshold(share) for share in GREY)
    return np.asarray((harm > low) & (harm <= high))


def weigh(harm: Floats, answers: Sequence[Answer]) -> Floats:
    """Let answers count as independent evidence at even odds; where there is none, nothing changes."""
    told = np.array([0.5 if a.harm is None else min(max(a.harm, 1 - SURE), SURE) for a in answers])
    logit = np.log(harm / (1 - harm)) + np.log(told / (1 - told))
    return np.where(told == 0.5, harm, probability(logit))
