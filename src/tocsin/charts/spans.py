"""Estimates with their spread: one line a name, from low to high, with a dot in the middle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.charts.drawing import altair, draw
from tocsin.charts.palette import PAGE
from tocsin.charts.shown import shorten

_ROW, _EDGE = 46, 10
_LETTER = 7  # pixels of one, about
_TICKS = 4


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
    alt = altair()
    height = _ROW * max(len(spans), 1)
    ticks = round_ticks(min([scale.low, *(s.low for s in spans)]), max([scale.high, *(s.high for s in spans)]))
    x_scale = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, zero=False)
    y_scale = alt.Scale(domain=[0, height], reverse=True, nice=False, zero=False)

    def at(x: str, y: str) -> dict[str, Any]:
        return {"x": alt.X(x, scale=x_scale, axis=None), "y": alt.Y(y, scale=y_scale, axis=None)}

    def words(rows: Sequence[dict[str, Any]], **more: Any) -> Any:
        return alt.Chart(alt.Data(values=list(rows))).mark_text(aria=False, **more)

    grid = [{"x": t, "top": 0, "foot": height, "shown": scale.show(t)} for t in ticks]
    rows = [
        {"low": s.low, "middle": s.middle, "high": s.high, "y": _ROW * i + 32, "head": _ROW * i + 13}
        | {"shown": scale.show(s.middle), "colour": s.colour, "left": ticks[0], "right": ticks[-1]}
        | {"name": shorten(s.name, width // _LETTER - len(scale.show(s.middle)))}
        for i, s in enumerate(spans)
    ]
    lines, drawn = alt.Chart(alt.Data(values=grid)), alt.Chart(alt.Data(values=rows))
    colour = alt.Color("colour:N", scale=None)
    soft, ink = PAGE["soft"].light, PAGE["ink"].light
    layers = [
        lines.mark_rule(aria=False, color=PAGE["line"].light).encode(**at("x:Q", "top:Q"), y2="foot:Q"),
        words(grid, fontSize=12, baseline="top", dy=8, color=soft).encode(**at("x:Q", "foot:Q"), text="shown:N"),
        drawn.mark_rule(aria=False, strokeWidth=5, strokeCap="round", opacity=0.35).encode(
            **at("low:Q", "y:Q"), x2="high:Q", color=colour
        ),
        drawn.mark_point(aria=False, shape="circle", size=95, filled=True, opacity=1).encode(
            **at("middle:Q", "y:Q"), color=colour
        ),
        words(rows, fontSize=13, align="left", baseline="middle", color=ink).encode(
            **at("left:Q", "head:Q"), text="name:N"
        ),
        words(rows, fontSize=13, fontWeight=600, align="right", baseline="middle", color=ink).encode(
            **at("right:Q", "head:Q"), text="shown:N"
        ),
        words([{"y": height, "x": ticks[0], "note": note}], fontSize=11.5, align="left", baseline="top", dy=32,
              dx=-_EDGE, color=soft).encode(**at("x:Q", "y:Q"), text="note:N"),
    ]  # fmt: skip
    return draw(layers, (width, height), {"left": _EDGE, "right": 22, "top": 4, "bottom": 52}, title)


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
