"""Horizontal bars with their names, for files that leave the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.charts.drawing import altair, draw
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
        {"y": i, "name": b.name, "count": b.count, "shown": f"{b.count:,}", "colour": b.colour}
        for i, b in enumerate(bars)
    ]
    top = max([b.count for b in bars], default=1)
    x = alt.X("count:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-0.5, max(len(bars), 1) - 0.5], reverse=True, nice=False), axis=None)
    base = alt.Chart(alt.Data(values=rows)).encode(y=y)
    text: dict[str, Any] = {"aria": False, "fontSize": 13, "color": PAGE["ink"].light}
    layers = [
        base.mark_bar(aria=False, size=16).encode(x=x, color=alt.Color("colour:N", scale=None)),
        base.mark_text(**text, align="right").encode(x=alt.XValue(-12), text="name:N"),
        base.mark_text(**text, align="left", dx=8).encode(x=x, text="shown:N"),
    ]
    size = (_WIDTH, _ROW * max(len(bars), 1))
    return draw(layers, size, {"left": _NAMES, "right": 90, "top": 12, "bottom": 12}, title)
