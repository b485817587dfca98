"""The model file: what is written is read, and nothing else is."""

import zlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.forms import LABELS, FormatError
from tocsin.screen.classifier import KINDS, Model, read_model, shipped_model, write_model
from tocsin.screen.classifier.scales import SHARES, Scale, fit_scale
from tocsin.screen.classifier.train import quantise


@pytest.fixture(scope="module")
def raw() -> bytes:
    return write_model(shipped_model())


def test_writing_what_was_read_gives_the_same_bytes(raw: bytes) -> None:
    assert write_model(read_model(raw)) == raw


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 30), st.booleans())
def test_a_damaged_file_is_refused_or_another_model(place: int, cut: bool) -> None:
    raw = write_model(shipped_model())
    at = place % len(raw)
    damaged = raw[:at] if cut else raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :]
    with suppress(FormatError):
        assert read_model(damaged).digest != shipped_model().digest
        assert not cut


@pytest.mark.parametrize("more", [b"x", b"\n"])
def test_nothing_may_follow(raw: bytes, more: bytes) -> None:
    with pytest.raises(FormatError):
        read_model(raw + more)


@pytest.mark.parametrize("less", [1, 4, 1000])
def test_nothing_may_lack(raw: bytes, less: int) -> None:
    with pytest.raises(FormatError):
        read_model(raw[:-less])


def test_a_bomb_is_not_unpacked(raw: bytes) -> None:
    head = b"\n".join(raw.split(b"\n")[:2]) + b"\n"
    with pytest.raises(FormatError, match="take"):
        read_model(head + zlib.compress(bytes(1 << 28)))


@pytest.mark.parametrize("change", [{"lanes": np.ones(3, np.float32)}, {"head_bias": np.full(13, np.nan, np.float32)}])
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(FormatError):
        read_model(write_model(replace(shipped_model(), **change)))


def test_other_bytes_are_another_model() -> None:
    model = shipped_model()
    other: Model = replace(model, bias=model.bias + 1)
    assert other.digest != model.digest


def test_columns_of_labels_are_in_the_order_of_the_schema() -> None:
    assert tuple(KINDS) == LABELS


def test_the_shipped_model_has_a_scale_for_each_stage_and_language() -> None:
    scales = shipped_model().card.scales
    assert {(stage, lang) for stage in scales for lang in scales[stage]} == {
        (stage, lang) for stage in ("first", "second") for lang in ("en", "zh")
    }
    for stage in scales.values():
        for scale in stage.values():
            assert scale.exceeded == sorted(scale.exceeded, reverse=True)
            assert all(slope > 0 for slope in scale.slopes)


@given(st.floats(0, 1))
def test_a_threshold_is_exceeded_by_no_more_than_the_share(share: float) -> None:
    scale = Scale([1.0], 0.0, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    held = [s for s in SHARES if s <= share]
    assert scale.threshold(share) == (scale.exceeded[len(held) - 1] if held else 1.0)


def test_a_scale_says_true_probabilities_of_what_it_was_fitted_on() -> None:
    draw = np.random.default_rng(1)
    raw = draw.standard_normal((20_000, 1)) * 2
    misuse = draw.random(20_000) < 1 / (1 + np.exp(-(1.5 * raw[:, 0] - 0.5)))
    scale = fit_scale(raw, misuse, np.ones(20_000), np.ones(1))
    assert scale.slopes[0] == pytest.approx(1.5, abs=0.1)
    assert scale.intercept == pytest.approx(-0.5, abs=0.1)


def test_what_flatters_itself_is_trusted_less() -> None:
    draw = np.random.default_rng(2)
    misuse = draw.random(5000) < 0.5
    raw = np.stack([misuse + draw.standard_normal(5000), misuse + draw.standard_normal(5000)], axis=1)
    scale = fit_scale(raw, misuse, np.ones(5000), np.array([1.0, 0.25]))
    assert 0.2 < scale.slopes[1] / scale.slopes[0] < 0.3


def test_rounding_to_steps_moves_no_weight_by_more_than_half_of_one() -> None:
    weights = np.random.default_rng(3).standard_normal((1 << 12, 13))
    table, lanes = quantise(weights)
    reach = np.abs(weights) <= 127 * lanes
    assert (np.abs(table[:, :13] * lanes - weights)[reach] <= np.broadcast_to(lanes, weights.shape)[reach] * 0.51).all()
    assert (~reach).mean() < 0.001
    assert (table[:, 15] == 1).all()
