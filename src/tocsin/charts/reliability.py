"""What was said beside what was so: one dot a bin, as large as the texts in it, and a line on which both are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from tocsin.charts.drawing import altair, chart, draw
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
    alt = altair()
    share = alt.Scale(domain=[0, 1], nice=False)
    x, y = (make("said:Q", scale=share, axis=_axis()) for make in (alt.X, alt.Y))
    most = max((d.texts for d in dots), default=1)
    rows = [
        {"said": d.said, "so": d.so, "shown": f"{d.texts:,}", "colour": d.colour, "size": _area(d.texts, most)}
        for d in sorted(dots, key=lambda d: -d.texts)
    ]
    text: dict[str, Any] = {"aria": False, "fontSize": 12, "color": PAGE["ink"].light}
    at = {"x": alt.X("said:Q", scale=share, axis=_axis()), "y": alt.Y("so:Q", scale=share, axis=_axis())}
    layers = [
        chart([{"said": 0}, {"said": 1}])
        .mark_line(aria=False, strokeWidth=1.5, strokeDash=[6, 4], color=PAGE["soft"].light)
        .encode(x=x, y=y),
        chart(rows)
        .mark_circle(aria=False, opacity=0.75)
        .encode(**at, size=alt.Size("size:Q", scale=None), color=alt.Color("colour:N", scale=None)),
        chart(rows).mark_text(**text, align="left", dx=9, dy=-9).encode(**at, text="shown:N"),
        *_names(told),
    ]
    return draw(layers, (_SIDE, _SIDE), {"left": 60, "right": 60, "top": 40, "bottom": 60}, title)


def _area(texts: int, most: int) -> float:
    return round(max(_LEAST, _MOST * sqrt(texts / most)) ** 2 * 3.14, 1)


def _axis() -> Any:
    return altair().Axis(
        values=_TICKS, title=None, domain=False, ticks=False, labelColor=PAGE["soft"].light, labelFontSize=12,
        gridColor=PAGE["line"].light, labelPadding=8, format=".0%", labelLimit=0, labelOverlap=False,
    )  # fmt: skip


def _names(told: Told) -> list[Any]:
    alt = altair()
    soft: dict[str, Any] = {"aria": False, "fontSize": 12, "color": PAGE["soft"].light}
    names = [
        chart([{"name": told.said}])
        .mark_text(**soft, align="right", baseline="top", dy=30)
        .encode(x=alt.XValue(_SIDE), y=alt.YValue(_SIDE), text="name:N"),
        chart([{"name": told.so}])
        .mark_text(**soft, align="left", baseline="bottom", dy=-16, dx=-48)
        .encode(x=alt.XValue(0), y=alt.YValue(0), text="name:N"),
    ]
    for place, (name, colour) in enumerate(told.series):
        mark = {"aria": False, "fontSize": 13, "color": colour, "align": "right", "baseline": "bottom", "dy": -16}
        names.append(
            chart([{"name": f"— {name}"}])
            .mark_text(**mark)
            .encode(x=alt.XValue(_SIDE - 90 * place), y=alt.YValue(0), text="name:N")
        )
    return names
