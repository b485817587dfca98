"""Horizontal bars with their names, for files that leave the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.charts.drawing import altair, chart, draw
from tocsin.charts.palette import PAGE

_ROW, _WIDTH, _NAMES = 30, 420, 330


@dataclass(frozen=True, slots=True)
class Bar:
    """Name a bar, its count and its colour (#rrggbb)."""

    name: str
    count: int
    colour: str


def draw_bars(bars: Sequence[Bar], title: str) -> str:
    """Draw one row a bar: its name left, its count at the end."""
    alt = altair()
    rows = [
        {
            "y": i,
            "top": i - 0.27,
            "foot": i + 0.27,
            "zero": 0,
            "count": b.count,
            "name": b.name,
            "shown": f"{b.count:,}",
        }
        | {"colour": b.colour}
        for i, b in enumerate(bars)
    ]
    across = alt.Scale(domain=[0, max([b.count for b in bars], default=1)], nice=False)
    down = alt.Scale(domain=[-0.5, max(len(bars), 1) - 0.5], reverse=True, nice=False, zero=False)
    begun = chart(rows)
    x, y = alt.X("count:Q", scale=across, axis=None), alt.Y("y:Q", scale=down, axis=None)
    bar = {"x": alt.X("zero:Q", scale=across, axis=None), "x2": "count:Q", "y2": "foot:Q"}
    text: dict[str, Any] = {"aria": False, "fontSize": 13, "color": PAGE["ink"].light}
    layers = [
        begun.mark_rect(aria=False).encode(
            **bar, y=alt.Y("top:Q", scale=down, axis=None), color=alt.Color("colour:N", scale=None)
        ),
        begun.mark_text(**text, align="right").encode(x=alt.XValue(-12), y=y, text="name:N"),
        begun.mark_text(**text, align="left", dx=8).encode(x=x, y=y, text="shown:N"),
    ]
    size = (_WIDTH, _ROW * max(len(bars), 1))
    return draw(layers, size, {"left": _NAMES, "right": 90, "top": 12, "bottom": 12}, title)
