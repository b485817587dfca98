"""Shares that grow with time: one line a name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from tocsin.charts.axes import Scale, foot_axis, left_axis, round_ticks
from tocsin.charts.drawing import draw
from tocsin.charts.marks import line, text
from tocsin.charts.palette import PAGE

_POINTS = 120  # drawn at most; nobody sees more
_FINE = 0.03  # up to here percents have a decimal


@dataclass(frozen=True, slots=True)
class Curve:
    """Hold a share from 0 to 1 for every step from 0 on, and its colour (#rrggbb)."""

    shares: npt.NDArray[np.float64]
    colour: str
    dashed: bool = False


def draw_curves(curves: Sequence[Curve], size: tuple[int, int], steps: str, title: str, note: str) -> str:
    """Draw the curves on a plot of this size in pixels; `steps` names the unit of the axis, the note stands below."""
    (width, height), soft = size, PAGE["soft"].light
    last = max(len(c.shares) for c in curves) - 1
    across, up = round_ticks(0, last), round_ticks(0, max(float(c.shares.max()) for c in curves))
    x, y = Scale(0, last or 1, 0, width), Scale(0, up[-1], height, 0)
    marks = [
        *foot_axis([t for t in across if t <= last], x, height, lambda tick: f"{tick:,.0f}"),
        *left_axis(up, y, width, lambda tick: f"{tick:.0%}" if up[-1] > _FINE else f"{tick:.1%}"),
        *_lines(curves, x, y),
        text((width, height + 26), steps, soft, 12, "end", "top"),
        text((-40, height + 48), note, soft, 11.5, "start", "top"),
    ]
    return draw(marks, size, {"left": 46, "right": 16, "top": 10, "bottom": 66}, title)


def _lines(curves: Sequence[Curve], x: Scale, y: Scale) -> Iterator[ET.Element]:
    for curve in curves:
        at = np.unique(np.linspace(0, len(curve.shares) - 1, _POINTS).astype(int)).tolist()
        dashes = {"stroke_dasharray": "6,4"} if curve.dashed else {}
        yield line([(x(i), y(float(curve.shares[i]))) for i in at], curve.colour, 2.5, **dashes)
