"""The marks that charts are made of, as SVG elements. Units: pixels; y grows downwards; colours are #rrggbb."""

import re
from collections.abc import Iterable, Sequence
from math import sqrt
from xml.etree import ElementTree as ET

FONTS = "Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Of the size: from a baseline down to where letters have that line.
_ABOVE = {"alphabetic": 0.0, "bottom": -0.21, "middle": 0.3, "top": 0.79}
_CORNERS = {  # of shapes, in halves of a side
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1), (1, 0), (0, 1), (-1, 0)),
    "triangle-up": ((0, -sqrt(0.75)), (1, sqrt(0.75)), (-1, sqrt(0.75))),
    "triangle-down": ((0, sqrt(0.75)), (1, -sqrt(0.75)), (-1, -sqrt(0.75))),
    "cross": ((-1, -0.4), (-0.4, -0.4), (-0.4, -1), (0.4, -1), (0.4, -0.4), (1, -0.4),
              (1, 0.4), (0.4, 0.4), (0.4, 1), (-0.4, 1), (-0.4, 0.4), (-1, 0.4)),
}  # fmt: skip

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, width, height


def legible(words: str) -> str:
    """Replace letters that XML does not know."""
    return _NOT_XML.sub("\ufffd", words)


def boxes(places: Iterable[Box], fill: str) -> ET.Element:
    """Fill boxes of one colour."""
    drawn = (f"M{_n(x)},{_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}Z" for x, y, width, height in places)
    return ET.Element("path", {"d": "".join(drawn), "fill": fill})


def line(points: Sequence[Point], stroke: str, width: float = 1, **more: str) -> ET.Element:
    """Draw a line from point to point; `more` are attributes, an underscore for a hyphen."""
    drawn = "M" + "L".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return ET.Element("path", {"d": drawn, "stroke": stroke, "stroke-width": _n(width), **_attributes(more)})


def symbol(shape: str, at: Point, area: float, fill: str, edge: str = "", **more: str) -> ET.Element:
    """Draw a shape of which a square would have this area; one that has no name is a circle."""
    half, (x, y) = sqrt(area) / 2, at
    rim = {"stroke": edge, "stroke-width": "1.5"} if edge else {}
    if shape not in _CORNERS:
        return ET.Element("circle", {"cx": _n(x), "cy": _n(y), "r": _n(half), "fill": fill, **rim, **_attributes(more)})
    corners = "L".join(f"{_n(x + half * a)},{_n(y + half * b)}" for a, b in _CORNERS[shape])
    return ET.Element("path", {"d": f"M{corners}Z", "fill": fill, **rim, **_attributes(more)})


def text(
    at: Point, words: str, fill: str, size: float, anchor: str = "middle", baseline: str = "alphabetic", **more: str
) -> ET.Element:
    """Write words; `baseline` says which part of the letters stands at the point: top, middle, bottom or alphabetic."""
    place = {"x": _n(at[0]), "y": _n(at[1] + _ABOVE[baseline] * size), "text-anchor": anchor}
    look = {"font-family": FONTS, "font-size": f"{size:g}", "fill": fill}
    element = ET.Element("text", {**place, **look, **_attributes(more)})
    element.text = legible(words)
    return element


def halo(colour: str) -> dict[str, str]:
    """Say of words that a rim of this colour stands behind them."""
    return {"stroke": colour, "stroke_width": "4", "stroke_linejoin": "round", "paint_order": "stroke"}


def _attributes(more: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in more.items()}


def _n(value: float) -> str:
    return f"{round(value, 1) + 0.0:.10g}"
