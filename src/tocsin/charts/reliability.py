"""What was said beside what was so: one dot a bin, as large as the texts in it, and a line on which both are alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from xml.etree import ElementTree as ET

from tocsin.charts.axes import Scale, foot_axis, left_axis
from tocsin.charts.drawing import draw
from tocsin.charts.marks import line, symbol, text
from tocsin.charts.palette import PAGE

_SIDE = 420  # pixels of the plot
_LEAST, _MOST = 5.0, 22.0  # pixels of a dot's radius
_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]


@dataclass(frozen=True, slots=True)
class Dot:
    """Hold a bin: the mean probability said, the share that was so, its texts, and the colour of its series."""

    said: float
    so: float
    texts: int
    colour: str


@dataclass(frozen=True, slots=True)
class Told:
    """Name the axes, and each series with its colour."""

    said: str
    so: str
    series: tuple[tuple[str, str], ...]


def draw_reliability(dots: Sequence[Dot], told: Told, title: str) -> str:
    """Draw the bins with their counts over the diagonal of a scale that says what is so."""
    x, y = Scale(0, 1, 0, _SIDE), Scale(0, 1, _SIDE, 0)
    marks = [
        *foot_axis(_TICKS, x, _SIDE, _percent),
        *left_axis(_TICKS, y, _SIDE, _percent),
        line([(0, _SIDE), (_SIDE, 0)], PAGE["soft"].light, 1.5, stroke_dasharray="6,4"),
        *_dots(sorted(dots, key=lambda d: -d.texts), x, y),
        *_names(told),
    ]
    return draw(marks, (_SIDE, _SIDE), {"left": 60, "right": 60, "top": 40, "bottom": 60}, title)


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _dots(dots: Sequence[Dot], x: Scale, y: Scale) -> Iterator[ET.Element]:
    most = max((d.texts for d in dots), default=1)
    for dot in dots:
        area = pi * max(_LEAST, _MOST * sqrt(dot.texts / most)) ** 2
        yield symbol("circle", (x(dot.said), y(dot.so)), area, dot.colour, fill_opacity="0.75")
    for dot in dots:
        place = (x(dot.said) + 9, y(dot.so) - 9)
        yield text(place, f"{dot.texts:,}", PAGE["ink"].light, 12, "start")


def _names(told: Told) -> Iterator[ET.Element]:
    soft = PAGE["soft"].light
    yield text((_SIDE, _SIDE + 30), told.said, soft, 12, "end", "top")
    yield text((-48, -16), told.so, soft, 12, "start", "bottom")
    for place, (name, colour) in enumerate(told.series):
        yield text((_SIDE - 90 * place, -16), f"— {name}", colour, 13, "end", "bottom")
