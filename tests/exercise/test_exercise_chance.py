"""Chance with an address, and ranges drawn through a Latin hypercube."""

import math

import numpy as np
import pytest
from exercise_scenes import lively, scenario
from hypothesis import given
from hypothesis import strategies as st

from tocsin.exercise.desk import LENGTH
from tocsin.exercise.dice import FACES, PLACES, Dice, normal, splitmix64
from tocsin.exercise.ranges import Draws, Range, latin_hypercube, open_ranges
from tocsin.exercise.scenario import MOST_PROVIDERS


def test_splitmix64_gives_its_published_numbers() -> None:
    """The first outputs for the seed 1234567, as in the reference implementation."""
    told = splitmix64(1234567, np.arange(5, dtype=np.uint64))
    assert [int(x) for x in told] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip


@given(st.integers(0, 2**32), st.lists(st.integers(0, 2**40), min_size=1, max_size=5), st.integers(0, PLACES - 1))
def test_an_address_gives_one_number_whoever_asks_along_with_it(seed: int, subjects: list[int], place: int) -> None:
    dice, many = Dice(seed), np.array(subjects)
    together = dice.throw(many, np.full(len(many), place), 3, 4)
    alone = [dice.throw(many[i : i + 1], np.array([place]), 3, 4)[0] for i in range(len(many))]
    assert (together == np.array(alone)).all() and ((together > 0) & (together < 1)).all()
    assert (dice.throw(many, np.full(len(many), place), 4, 3) == together[:, 1:]).all()


def test_no_two_addresses_share_a_number() -> None:
    assert LENGTH + MOST_PROVIDERS <= FACES and MOST_PROVIDERS < PLACES
    subjects, places = np.repeat(np.arange(50), PLACES), np.tile(np.arange(PLACES), 50)
    assert len(np.unique(Dice(1).throw(subjects, places, 0, FACES))) == 50 * PLACES * FACES


def test_throws_are_even_and_neighbours_independent() -> None:
    thrown = Dice(7).throw(np.arange(200_000), np.zeros(200_000, np.int64), 0, 2)
    assert abs(thrown.mean() - 0.5) < 4 / math.sqrt(12 * 400_000)
    assert abs(np.corrcoef(thrown.T)[0, 1]) < 4 / math.sqrt(200_000)
    assert abs(np.corrcoef(thrown[1:, 0], thrown[:-1, 0])[0, 1]) < 4 / math.sqrt(200_000)
    counts = np.histogram(thrown, 100, (0, 1))[0]
    assert ((counts - 4000) ** 2 / 4000).sum() < 99 + 4 * math.sqrt(2 * 99)
    spread = normal(thrown)
    assert abs(spread.mean()) < 0.01 and abs(spread.std() - 1) < 0.01


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 99))
def test_a_latin_hypercube_has_one_point_in_every_slice(runs: int, dimensions: int, seed: int) -> None:
    points = latin_hypercube(runs, dimensions, np.random.default_rng(seed))
    assert points.shape == (runs, dimensions)
    assert (np.sort(np.floor(points * runs), axis=0) == np.arange(runs)[:, None]).all()


@given(st.floats(1e-6, 10), st.floats(1, 1000), st.booleans())
def test_a_range_reaches_from_low_to_high(low: float, factor: float, log: bool) -> None:
    found = Range(low, low * factor, log)
    values = found.at(np.array([0.0, 0.5, 1.0]))
    middle = low * math.sqrt(factor) if log else low * (1 + factor) / 2
    assert values == pytest.approx([low, middle, low * factor])


def test_every_open_range_is_an_unknown_of_its_own() -> None:
    scene = lively()
    draws = Draws(scene, 40, 1)
    named = dict(open_ranges(scene))
    assert set(draws.named) == set(named) and "providers[0].recall.M01" in named and "outside.harm" in named
    alike = [draws.named[f"providers[{i}].recall.M01"] for i in range(3)]
    assert (alike[0] != alike[1]).any()  # the same numbers in the file, yet another unknown
    assert all(((v >= named[p].low) & (v <= named[p].high)).all() for p, v in draws.named.items())


def test_a_closed_range_is_the_same_in_every_run() -> None:
    scene = scenario()
    assert Draws(scene, 5, 1).named == {}
    assert (Draws(scene, 5, 1).of(scene.providers[0].recall["M01"]) == 0.05).all()
