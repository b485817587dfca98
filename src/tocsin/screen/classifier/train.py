"""Train the classifier on labelled texts: weights that balance sources, folds that keep sources apart, scales."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.forms import LABELS
from tocsin.screen.classifier.features import Sparse, sparse_features
from tocsin.screen.classifier.folds import folds_of
from tocsin.screen.classifier.head import Head, fit_head, mean_head
from tocsin.screen.classifier.labelled import LANGUAGES, Labelled
from tocsin.screen.classifier.linear import Floats, fit_logistic
from tocsin.screen.classifier.model import BITS, COLUMNS, COUNT_LANE, FEATURES, Card, Model
from tocsin.screen.classifier.scales import Scale, fit_scale
from tocsin.screen.classifier.stages import Encode, readable
from tocsin.text import Folded, fold_batch

Mask = NDArray[np.bool_]
Tick = Callable[[str], None]
Hear = Callable[[Folded], NDArray[np.float32]]  # folded texts to their voices
HEADS = 2
RULES_TRUST = 0.25  # rules were tuned on the same texts: there they flatter themselves
SOURCE_POWER = 0.5  # a source of n rows weighs n to this power: large ones count more, but not by their size


@dataclass(frozen=True)
class Settings:
    """Say how to train; the seed is all that chance depends on."""

    seed: int = 1
    penalty: float = 0.1
    rounds: int = 40
    epochs: int = 12


@dataclass(frozen=True)
class Material:
    """Hold labelled texts with their features and vectors, made once and used by every fold."""

    data: Labelled
    features: Sparse
    vectors: NDArray[np.float32]
    voices: NDArray[np.float32]  # what rules say, see `voices.voices_of`

    @property
    def any(self) -> Floats:
        """The target of the first column."""
        return self.data.misuse.astype(np.float64)


def prepare(data: Labelled, hear: Hear, encode: Encode) -> Material:
    """Fold, count and encode labelled texts, and hear what rules say of them."""
    folded = fold_batch(pa.array(list(data.texts), pa.string()))
    features = sparse_features(folded.buffer, folded.offsets[: len(data) + 1], BITS, FEATURES)
    order = np.argsort([len(t) for t in data.texts], kind="stable")
    texts = [readable(folded, int(row)) for row in order]
    vectors = np.empty((len(data), 512), dtype=np.float32)
    vectors[order] = encode(texts)
    return Material(data, features, vectors, hear(folded))


def source_weights(data: Labelled, used: Mask) -> Floats:
    """Weigh rows so that languages and labels count alike, and sources by the root of their size; unused rows are 0."""
    names = np.array([f"{s}|{g}|{m}" for s, g, m in zip(data.sources, data.langs, data.misuse, strict=True)])
    weights = np.zeros(len(data))
    for name in np.unique(names[used]):
        rows = used & (names == name)
        weights[rows] = np.count_nonzero(rows) ** (SOURCE_POWER - 1)
    for lang in LANGUAGES:
        for misuse in (True, False):
            rows = used & (data.langs == lang) & (data.misuse == misuse)
            weights[rows] *= np.count_nonzero(used) / 4 / max(weights[rows].sum(), 1e-9)
    return weights


def fit_any(material: Material, used: Mask, settings: Settings) -> tuple[Floats, float]:
    """Fit the first stage's column of any misuse."""
    weights = source_weights(material.data, used)[used]
    return fit_logistic(material.features.where(used), material.any[used], weights, settings.penalty, settings.rounds)


def fit_second(material: Material, used: Mask, settings: Settings) -> Head:
    """Fit the second stage: heads of several seeds, read as one; any misuse from all rows, labels from misuse."""
    data = material.data
    targets = np.stack([material.any, *((data.kinds == label).astype(np.float64) for label in LABELS)], axis=1)
    weights = np.repeat(source_weights(data, used)[:, None], COLUMNS, axis=1)
    weights[:, 1:] *= data.misuse[:, None]
    rows = [a[used].astype(np.float32) for a in (material.vectors, targets, weights)]
    seeds = range(settings.seed, settings.seed + HEADS)
    return mean_head([fit_head(rows[0], rows[1], rows[2], settings.epochs, seed) for seed in seeds])


STAGE_COLUMNS = {"first": [0, 2, 3], "second": [0, 1, 2, 3]}  # of `KeptApart.raw`
VOICES_FROM = 2


@dataclass(frozen=True)
class KeptApart:
    """Hold scores of rows by models that had not seen them, fold below fold.

    Shape: `row` is the place in the labelled data, `raw` the logits of first stage and head, then the voices.
    """

    row: NDArray[np.int64]
    fold: NDArray[np.int64]
    unseen: Mask  # of a source that the fold's model never saw; else of the even share of plain benign rows
    raw: Floats


def keep_apart(material: Material, settings: Settings, tick: Tick) -> KeptApart:
    """Fit once for each fold and score what it kept apart."""
    parts = []
    for number, fold in enumerate(folds_of(material.data)):
        tick(f"fold {number + 1}: {np.count_nonzero(fold.train)} rows")
        weights, bias = fit_any(material, fold.train, settings)
        head = fit_second(material, fold.train, settings)
        rows = np.flatnonzero(fold.unseen | fold.plain)
        first = material.features.dot(weights)[rows] + bias
        second = head.logits(material.vectors[rows])[:, 0]
        raw = np.concatenate([np.stack([first, second], axis=1), material.voices[rows]], axis=1)
        parts.append(KeptApart(rows, np.full(len(rows), number), fold.unseen[rows], raw))
    return KeptApart(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("row", "fold", "unseen", "raw")))


def train(material: Material, apart: KeptApart, settings: Settings, tick: Tick) -> Model:
    """Fit both stages on all rows, and their scales on rows kept apart."""
    used = np.ones(len(material.data), dtype=np.bool_)
    tick("first stage")
    columns = [fit_any(material, used, settings), *_fit_labels(material, settings, tick)]
    table, lanes = quantise(np.stack([weights for weights, _ in columns], axis=1))
    tick("second stage")
    head = fit_second(material, used, settings).weights
    bias = np.array([b for _, b in columns], dtype=np.float32)
    card = Card(fit_scales(material.data, apart), made={"rows": len(material.data), "seed": settings.seed})
    return Model(card, table, lanes, bias, head[0].astype(np.float16), *head[1:])


def _fit_labels(material: Material, settings: Settings, tick: Tick) -> list[tuple[Floats, float]]:
    data = material.data
    features, weights = material.features.where(data.misuse), source_weights(data, data.misuse)[data.misuse]
    fitted = []
    for label in LABELS:
        tick(f"first stage: {label}")
        target = (data.kinds[data.misuse] == label).astype(np.float64)
        fitted.append(fit_logistic(features, target, weights, settings.penalty, settings.rounds))
    return fitted


def quantise(weights: Floats) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each column to steps of int8, clipping the few largest weights; give the table and the steps."""
    reach = np.maximum(np.quantile(np.abs(weights), 0.9995, axis=0), 1e-9)
    lanes = (reach / 127).astype(np.float32)
    table = np.zeros((len(weights), 16), dtype=np.int8)
    table[:, :COLUMNS] = np.clip(np.rint(weights / lanes), -127, 127)
    table[:, COUNT_LANE] = 1
    return table, lanes


def fit_scales(data: Labelled, apart: KeptApart) -> dict[str, dict[str, Scale]]:
    """Fit the scale of each stage and language; sources weigh as in training."""
    weights = source_weights(data, np.ones(len(data), dtype=np.bool_))[apart.row]
    misuse, langs = data.misuse[apart.row], data.langs[apart.row]
    scales: dict[str, dict[str, Scale]] = {}
    for stage, columns in STAGE_COLUMNS.items():
        trust = np.array([RULES_TRUST if c >= VOICES_FROM else 1.0 for c in columns])
        scales[stage] = {}
        for lang in LANGUAGES:
            rows = (langs == lang) & ~np.char.startswith(data.sources[apart.row], "written")
            scales[stage][lang] = fit_scale(apart.raw[rows][:, columns], misuse[rows], weights[rows], trust)
    return scales
