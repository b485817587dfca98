"""Horizontal bars with their names, for files that leave the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from tocsin.charts.drawing import draw
from tocsin.charts.marks import boxes, text
from tocsin.charts.palette import PAGE

_ROW, _WIDTH, _NAMES = 30, 420, 330
_THICK = 16.2
_SIZE = 13


@dataclass(frozen=True, slots=True)
class Bar:
    """Name a bar, its count and its colour (#rrggbb)."""

    name: str
    count: int
    colour: str


def draw_bars(bars: Sequence[Bar], title: str) -> str:
    """Draw one row a bar: its name left, its count at the end."""
    size = (_WIDTH, _ROW * max(len(bars), 1))
    return draw(_marks(bars), size, {"left": _NAMES, "right": 90, "top": 12, "bottom": 12}, title)


def _marks(bars: Sequence[Bar]) -> Iterator[ET.Element]:
    most, ink = max([b.count for b in bars], default=1) or 1, PAGE["ink"].light
    for row, bar in enumerate(bars):
        middle, end = _ROW * (row + 0.5), _WIDTH * bar.count / most
        yield boxes([(0, middle - _THICK / 2, end, _THICK)], bar.colour)
        yield text((-12, middle), bar.name, ink, _SIZE, "end", "middle")
        yield text((end + 8, middle), f"{bar.count:,}", ink, _SIZE, "start", "middle")
