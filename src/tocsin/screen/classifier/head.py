"""The second stage's head: one hidden layer on sentence vectors, fitted by Adam with a seed.

Source: Kingma and Ba 2015, "Adam"; decoupled weight decay after Loshchilov and Hutter 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.stages import VECTOR_GAIN

Floats = NDArray[np.float32]
BATCH, WIDTH = 256, 128
STEP, DECAY, DROPPED, SMOOTH = 2e-3, 0.01, 0.2, 0.02
BETA_1, BETA_2 = 0.9, 0.99


@dataclass
class Head:
    """Hold the weights while they are fitted: hidden layer and its bias, output layer and its bias."""

    weights: list[Floats]

    def logits(self, vectors: Floats) -> Floats:
        """Score vectors. Shape: a row of logits a vector."""
        hidden = np.maximum(VECTOR_GAIN * vectors @ self.weights[0] + self.weights[1], 0)
        return np.asarray(hidden @ self.weights[2] + self.weights[3], dtype=np.float32)


def fit_head(vectors: Floats, targets: Floats, weights: Floats, epochs: int, seed: int) -> Head:
    """Fit a head.

    Shape: `targets` and `weights` have a row a vector and a column an output; a weight of 0 leaves a target out.
    """
    draw = np.random.default_rng(seed)
    head = _start(vectors.shape[1], targets.shape[1], draw)
    smooth = (targets * (1 - 2 * SMOOTH) + SMOOTH).astype(np.float32)
    first = [np.zeros_like(w) for w in head.weights]
    second = [np.zeros_like(w) for w in head.weights]
    total = epochs * (len(vectors) // BATCH)
    for step, rows in enumerate(_batches(len(vectors), epochs, draw), start=1):
        slopes = _slopes(head, VECTOR_GAIN * vectors[rows], smooth[rows], weights[rows] / np.float32(BATCH), draw)
        rate = np.float32(STEP * (1 - step / total))
        for at, slope in enumerate(slopes):
            first[at] = BETA_1 * first[at] + (1 - BETA_1) * slope
            second[at] = BETA_2 * second[at] + (1 - BETA_2) * slope**2
            way = first[at] / (1 - BETA_1**step) / (np.sqrt(second[at] / (1 - BETA_2**step)) + 1e-8)
            decay = DECAY * head.weights[at] if head.weights[at].ndim == 2 else 0
            head.weights[at] -= rate * (way + decay).astype(np.float32)
    return head


def mean_head(heads: Sequence[Head]) -> Head:
    """Put heads side by side as one that gives the mean of their logits."""
    hidden, hidden_bias, out, out_bias = zip(*(head.weights for head in heads), strict=True)
    share = np.float32(1 / len(heads))
    mean_bias = np.asarray(np.mean(out_bias, axis=0), dtype=np.float32)
    return Head([np.concatenate(hidden, axis=1), np.concatenate(hidden_bias), share * np.concatenate(out), mean_bias])


def _start(width: int, outputs: int, draw: np.random.Generator) -> Head:
    hidden = draw.standard_normal((width, WIDTH)) * np.sqrt(2 / width) / 3
    head = draw.standard_normal((WIDTH, outputs)) / np.sqrt(WIDTH)
    shapes = (hidden, np.zeros(WIDTH), head, np.zeros(outputs))
    return Head([np.asarray(w, dtype=np.float32) for w in shapes])


def _batches(count: int, epochs: int, draw: np.random.Generator) -> list[NDArray[np.int64]]:
    orders = (draw.permutation(count) for _ in range(epochs))
    return [order[at : at + BATCH] for order in orders for at in range(0, count - BATCH + 1, BATCH)]


def _slopes(head: Head, x: Floats, targets: Floats, weights: Floats, draw: np.random.Generator) -> list[Floats]:
    hidden = np.maximum(x @ head.weights[0] + head.weights[1], 0)
    kept = (draw.random(hidden.shape, dtype=np.float32) > DROPPED) / np.float32(1 - DROPPED)
    dropped = hidden * kept
    logits = dropped @ head.weights[2] + head.weights[3]
    wrong = ((0.5 + 0.5 * np.tanh(logits / 2) - targets) * weights).astype(np.float32)
    back = (wrong @ head.weights[2].T) * kept * (hidden > 0)
    return [x.T @ back, back.sum(axis=0), dropped.T @ wrong, wrong.sum(axis=0)]
