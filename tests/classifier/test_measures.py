"""Measures against slow definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.screen.classifier.measures import (
    auprc,
    auroc,
    calibration_error,
    interval,
    recall_at,
    reliability,
    threshold_at,
)

scored = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=40
)


def columns(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([h for h, _ in pairs]), np.array([m for _, m in pairs], dtype=np.bool_)


@given(scored)
def test_auroc_counts_pairs(pairs: list[tuple[float, bool]]) -> None:
    harm, misuse = columns(pairs)
    wins = [(a > b) + (a == b) / 2 for a in harm[misuse] for b in harm[~misuse]]
    expected = sum(wins) / len(wins) if wins else float("nan")
    assert auroc(harm, misuse) == pytest.approx(expected, nan_ok=True)


@given(scored)
def test_average_precision_steps_down_the_distinct_scores(pairs: list[tuple[float, bool]]) -> None:
    harm, misuse = columns(pairs)
    expected, before = 0.0, 0
    for score in sorted(set(harm.tolist()), reverse=True):
        told = harm >= score
        found = int((told & misuse).sum())
        expected += (found - before) / max(1, misuse.sum()) * found / told.sum()
        before = found
    assert auprc(harm, misuse) == pytest.approx(expected if misuse.any() else float("nan"), nan_ok=True)


@given(scored, st.sampled_from([0.5, 0.1, 0.01]))
def test_no_more_than_the_share_is_above_the_threshold(pairs: list[tuple[float, bool]], share: float) -> None:
    harm, misuse = columns(pairs)
    benign = harm[~misuse]
    if len(benign):
        threshold = threshold_at(benign, share)
        assert (benign > threshold).mean() <= share
        lower = benign[benign < threshold]
        assert not len(lower) or (benign > lower.max()).mean() > share


def test_an_even_score_ranks_nothing() -> None:
    harm, misuse = np.full(10, 0.3), np.arange(10) < 4
    assert auroc(harm, misuse) == 0.5
    assert auprc(harm, misuse) == pytest.approx(0.4)
    assert recall_at(harm, misuse, 0.01) == 0


def test_intervals_enclose_the_value_and_narrow() -> None:
    draw = np.random.default_rng(1)
    widths = []
    for count in (60, 2000):
        misuse = np.arange(count) % 2 == 0
        harm = draw.random(count) + 0.3 * misuse
        low, high = interval(auroc, harm, misuse, 1)
        assert low < auroc(harm, misuse) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_true_probabilities_have_no_calibration_error() -> None:
    draw = np.random.default_rng(1)
    harm = draw.random(200_000)
    misuse = draw.random(200_000) < harm
    assert calibration_error(reliability(harm, misuse)) < 0.01
    assert calibration_error(reliability(harm**3, misuse)) > 0.1
