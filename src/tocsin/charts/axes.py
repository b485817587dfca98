"""Scales, and the lines and figures of an axis beside a plot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tocsin.charts.marks import line, text
from tocsin.charts.palette import PAGE

_CRISP = 0.5  # of a pixel: a thin line in the middle of one
_APART = 8
_SIZE = 12
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """Map values from `low` to `high` to pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Map one value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def left_axis(ticks: Sequence[float], y: Scale, width: float, show: Callable[[float], str]) -> Iterator[ET.Element]:
    """Draw a line across a plot of this width at every tick, and its figure on the left."""
    for tick in ticks:
        at = round(y(tick)) + _CRISP
        yield line([(_CRISP, at), (width + _CRISP, at)], PAGE["line"].light)
    for tick in ticks:
        yield text((_CRISP - _APART, y(tick) + _CRISP), show(tick), PAGE["soft"].light, _SIZE, "end", "middle")


def foot_axis(ticks: Sequence[float], x: Scale, height: float, show: Callable[[float], str]) -> Iterator[ET.Element]:
    """Draw a line down a plot of this height at every tick, and its figure below."""
    for tick in ticks:
        at = round(x(tick)) + _CRISP
        yield line([(at, _CRISP), (at, height + _CRISP)], PAGE["line"].light)
    for tick in ticks:
        yield text((x(tick) + _CRISP, height + _APART + _CRISP), show(tick), PAGE["soft"].light, _SIZE, baseline="top")


def round_ticks(low: float, high: float) -> list[float]:
    """Choose about four round numbers that reach from `low` or below to `high` or above."""
    span = high - low or 1.0
    step = 10.0**-12
    while True:
        for factor in (1, 2, 5):
            if span <= _TICKS * step * factor * 1.0001:
                size = step * factor
                first, last = int(low // size), -int(-high // size)
                return [round(i * size, 12) for i in range(first, max(last, first + 1) + 1)]
        step *= 10
