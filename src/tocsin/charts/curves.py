"""Shares that grow with time: one line a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.charts.drawing import altair, draw
from tocsin.charts.palette import PAGE
from tocsin.charts.spans import round_ticks

_POINTS = 120  # drawn at most; nobody sees more


@dataclass(frozen=True, slots=True)
class Curve:
    """Hold a share from 0 to 1 for every step from 0 on, and its colour (#rrggbb)."""

    shares: npt.NDArray[np.float64]
    colour: str
    dashed: bool = False


def draw_curves(curves: Sequence[Curve], size: tuple[int, int], steps: str, title: str, note: str) -> str:
    """Draw the curves on a plot of this size in pixels; `steps` names the unit of the axis, the note stands below."""
    alt = altair()
    width, height = size
    last = max(len(c.shares) for c in curves) - 1
    across, up = round_ticks(0, last), round_ticks(0, max(float(c.shares.max()) for c in curves))
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, last], nice=False), axis=_axis([t for t in across if t <= last], ",d"))
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, up[-1]], nice=False), axis=_axis(up, ".0%" if up[-1] > 0.03 else ".1%"))
    layers = [
        alt.Chart(alt.Data(values=_points(c)))
        .mark_line(aria=False, strokeWidth=2.5, color=c.colour, strokeDash=[6, 4] if c.dashed else [1, 0])
        .encode(x=x, y=y)
        for c in curves
    ]
    soft: dict[str, Any] = {"aria": False, "color": PAGE["soft"].light}
    below = alt.Chart(alt.Data(values=[{"steps": steps, "note": note}]))
    layers += [
        below.mark_text(**soft, fontSize=12, align="right", baseline="top", dy=26).encode(
            x=alt.XValue(width), y=alt.YValue(height), text="steps:N"
        ),
        below.mark_text(**soft, fontSize=11.5, align="left", baseline="top", dy=48, dx=-40).encode(
            x=alt.XValue(0), y=alt.YValue(height), text="note:N"
        ),
    ]
    return draw(layers, size, {"left": 46, "right": 16, "top": 10, "bottom": 66}, title)


def _axis(values: Sequence[float], written: str) -> Any:
    return altair().Axis(
        values=list(values), title=None, domain=False, ticks=False, labelColor=PAGE["soft"].light, labelFontSize=12,
        gridColor=PAGE["line"].light, labelPadding=8, format=written, labelLimit=0, labelOverlap=False,
    )  # fmt: skip


def _points(curve: Curve) -> list[dict[str, float]]:
    at = np.unique(np.linspace(0, len(curve.shares) - 1, _POINTS).astype(int))
    return [{"x": int(i), "y": round(float(curve.shares[i]), 5)} for i in at]
