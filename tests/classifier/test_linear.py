"""The fit: it finds what there is to find, and the same bytes each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.screen.classifier.features import Sparse, sparse_features
from tocsin.screen.classifier.linear import fit_logistic, minimise, probability
from tocsin.screen.classifier.scales import Dense
from tocsin.text import fold_batch, list_rows

lines = st.lists(st.text("ab 你好c", max_size=30), max_size=8)


@given(lines, st.integers(2, 8))
def test_sparse_products_are_the_dense_ones(texts: list[str], bits: int) -> None:
    sparse, dense = both(texts, bits)
    draw = np.random.default_rng(len(texts))
    weights, rows = draw.standard_normal(1 << bits), draw.standard_normal(len(texts))
    assert sparse.dot(weights) == pytest.approx(dense @ weights, abs=1e-5)
    assert sparse.dot_transposed(rows) == pytest.approx(dense.T @ rows, abs=1e-5)


@given(lines, st.integers(2, 8), st.randoms())
def test_selected_rows_are_those_of_the_whole(texts: list[str], bits: int, draw: object) -> None:
    sparse, dense = both(texts, bits)
    mask = np.array([draw.random() < 0.5 for _ in texts], dtype=np.bool_)  # type: ignore[attr-defined]
    weights = np.arange(1 << bits) / 7
    assert sparse.where(mask).dot(weights) == pytest.approx(dense[mask] @ weights, abs=1e-4)


def both(texts: list[str], bits: int) -> tuple[Sparse, np.ndarray]:
    import pyarrow as pa

    folded = fold_batch(pa.array(texts, pa.string()))
    offsets = folded.offsets[: len(texts) + 1]
    starts, rows = list_rows(folded.buffer, offsets, bits, 15)
    dense = np.zeros((len(texts), 1 << bits))
    for line in range(len(texts)):
        own = rows[starts[line] : starts[line + 1]]
        np.add.at(dense[line], own, 1 / np.sqrt(max(1, len(own))))
    return sparse_features(folded.buffer, offsets, bits, 15), dense


def test_a_bowl_has_one_bottom() -> None:
    found = minimise(lambda at: (float(((at - 3) ** 2).sum()), 2 * (at - 3)), np.zeros(4), 50)
    assert found == pytest.approx(np.full(4, 3.0), abs=1e-3)


def test_the_gradient_vanishes_where_the_fit_ends() -> None:
    draw = np.random.default_rng(1)
    rows = draw.standard_normal((400, 5))
    target = (rows @ [2, -1, 0, 0, 1] + draw.standard_normal(400) > 0).astype(float)
    weights, bias = fit_logistic(Dense(rows), target, np.ones(400), 1.0, 200)
    wrong = probability(rows @ weights + bias) - target
    assert np.abs(rows.T @ wrong + weights).max() < 0.05
    assert abs(wrong.sum()) < 0.05


def test_twice_the_same_bytes() -> None:
    rows = np.random.default_rng(2).standard_normal((300, 8))
    fits = [fit_logistic(Dense(rows), (rows[:, 0] > 0).astype(float), np.ones(300), 0.1, 30) for _ in range(2)]
    assert fits[0][0].tobytes() == fits[1][0].tobytes()
