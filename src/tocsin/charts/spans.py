"""Estimates with their spread: one line a name, from low to high, with a dot in the middle."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tocsin.charts import axes
from tocsin.charts.axes import round_ticks
from tocsin.charts.drawing import draw
from tocsin.charts.marks import line, symbol, text
from tocsin.charts.palette import PAGE
from tocsin.charts.shown import shorten

_ROW, _EDGE = 46, 10
_LETTER = 7  # pixels of one, about


@dataclass(frozen=True, slots=True)
class Span:
    """Name an estimate, its lower end, middle and upper end, and its colour (#rrggbb)."""

    name: str
    low: float
    middle: float
    high: float
    colour: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Write values, and set the ends of the axis where the spans do not."""

    show: Callable[[float], str]
    low: float = 0.0
    high: float = 0.0


def draw_spans(spans: Sequence[Span], width: int, scale: Scale, title: str, note: str) -> str:
    """Draw the spans on a plot of this width in pixels, each name above its line; the note stands below the axis."""
    height, soft = _ROW * max(len(spans), 1), PAGE["soft"].light
    ticks = round_ticks(min([scale.low, *(s.low for s in spans)]), max([scale.high, *(s.high for s in spans)]))
    x = axes.Scale(ticks[0], ticks[-1], 0, width)
    marks = [
        *(line([(x(t), 0), (x(t), height)], PAGE["line"].light) for t in ticks),
        *(text((x(t), height + 8), scale.show(t), soft, 12, baseline="top") for t in ticks),
        *_lines(spans, x),
        *_words(spans, width, scale),
        text((-_EDGE, height + 32), note, soft, 11.5, "start", "top"),
    ]
    return draw(marks, (width, height), {"left": _EDGE, "right": 22, "top": 4, "bottom": 52}, title)


def _lines(spans: Sequence[Span], x: axes.Scale) -> Iterator[ET.Element]:
    for row, span in enumerate(spans):
        ends = [(x(value), _ROW * row + 32.0) for value in (span.low, span.high)]
        yield line(ends, span.colour, 5, stroke_linecap="round", stroke_opacity="0.35")
    for row, span in enumerate(spans):
        yield symbol("circle", (x(span.middle), _ROW * row + 32), 95, span.colour)


def _words(spans: Sequence[Span], width: int, scale: Scale) -> Iterator[ET.Element]:
    ink = PAGE["ink"].light
    for row, span in enumerate(spans):
        shown, at = scale.show(span.middle), _ROW * row + 13
        yield text((0, at), shorten(span.name, width // _LETTER - len(shown)), ink, 13, "start", "middle")
        yield text((width, at), shown, ink, 13, "end", "middle", font_weight="600")
