"""Assumed ranges: what a scenario may leave open, and how runs draw from it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from tocsin.exercise.dice import Floats


@dataclass(frozen=True, eq=False, slots=True)
class Range:
    """Hold one unknown number, written as a number, as [low, high], or as [low, high, "log"].

    Two ranges are two unknowns even where they read alike, so they compare by identity.
    """

    low: float
    high: float
    log: bool = False

    @property
    def open(self) -> bool:
        """Whether there is anything to draw."""
        return self.low < self.high

    def at(self, share: Floats) -> Floats:
        """Give the values at these shares of the way from low to high."""
        if self.log:
            return np.asarray(self.low * (self.high / self.low) ** share)
        return np.asarray(self.low + (self.high - self.low) * share)


def within(low: float, high: float) -> Callable[[Any], Range]:
    """Make the reader of a range whose ends must lie between two bounds, both included."""
    allowed = f"{low:g} to {high:g}" if high < math.inf else f"{low:g} or more"

    def read(value: Any) -> Range:
        found = _parsed(value)
        if found is None:
            raise PydanticCustomError("range", 'is {value}, allowed a number, [low, high] or [low, high, "log"]',
                                      {"value": repr(value)})  # fmt: skip
        if not low <= found.low <= found.high <= high:
            raise PydanticCustomError(
                "range",
                "is {value}, allowed {allowed}, the lower end first",
                {"value": repr(value), "allowed": allowed},
            )
        if found.log and found.low <= 0:
            raise PydanticCustomError("range", "is {value}, allowed above 0 with a log scale", {"value": repr(value)})
        return found

    return read


def _parsed(value: Any) -> Range | None:
    if _is_number(value):
        return Range(float(value), float(value))
    if not isinstance(value, list) or len(value) not in (2, 3) or not all(map(_is_number, value[:2])):
        return None
    if len(value) == 3 and value[2] != "log":
        return None
    return Range(float(value[0]), float(value[1]), len(value) == 3)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def open_ranges(value: Any, path: str = "") -> Iterator[tuple[str, Range]]:
    """Find every range of a scenario that leaves something open, with its place in the file."""
    if isinstance(value, Range):
        yield from ((path, value),) if value.open else ()
    elif isinstance(value, BaseModel):
        yield from open_ranges({name: getattr(value, name) for name in type(value).model_fields}, path)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from open_ranges(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for i, inner in enumerate(value):
            yield from open_ranges(inner, f"{path}[{i}]")


class Draws:
    """Hold what each run drew for every range; shape (runs,) each."""

    def __init__(self, scenario: BaseModel, runs: int, seed: int) -> None:
        found = list(open_ranges(scenario))
        shares = latin_hypercube(runs, len(found), np.random.default_rng([seed, 1]))
        self.runs = runs
        self.named = {path: r.at(shares[:, i]) for i, (path, r) in enumerate(found)}
        self._values = {r: self.named[path] for path, r in found}

    def of(self, wanted: Range) -> Floats:
        """Give the drawn values of a range; a closed one is the same in every run."""
        return self._values[wanted] if wanted.open else np.full(self.runs, wanted.low)


def latin_hypercube(runs: int, dimensions: int, random: np.random.Generator) -> Floats:
    """Draw points so that in every dimension each of `runs` equal slices holds exactly one.

    Returns shares from 0 to 1, shape (runs, dimensions). Source: McKay, Beckman, Conover, 1979.
    """
    slices = random.permuted(np.tile(np.arange(runs), (dimensions, 1)), axis=1).T
    return np.asarray((slices + random.random((runs, dimensions))) / runs)
