"""Kinds over time: stacked bars in equal steps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from tocsin.charts.axes import Scale, left_axis
from tocsin.charts.drawing import draw
from tocsin.charts.marks import boxes, text
from tocsin.charts.palette import KINDS, PAGE, kind_key

Counts = npt.NDArray[np.int64]

HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400
YEAR = 52 * WEEK
STEPS = (HOUR, 6 * HOUR, DAY, WEEK, 4 * WEEK, YEAR)
MOST_BARS = 64
MOST_SERIES = 7
OTHER = "other"
_HALF_DATE = 32  # pixels: half a date, less what may stand over the edge
_MONDAY = 4 * DAY  # 1970-01-05, so that weeks begin on Mondays
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Hold counts per step and series.

    Units: `start` and `step` are seconds since 1970 and seconds. `series` maps a kind, or `other`, to one count a bar.
    """

    start: int
    step: int
    bars: int
    series: Mapping[str, Counts]


@dataclass(frozen=True, slots=True)
class Format:
    """Size a drawing: plot width and height in pixels, and how many dates stand below it."""

    width: int
    height: int
    dates: int


WIDE, NARROW = Format(984, 250, 8), Format(300, 200, 3)


def timeline(seconds: Counts, kinds: Sequence[str], counts: Counts) -> Timeline | None:
    """Count kinds per step; the step is the smallest that needs no more than MOST_BARS bars.

    Shapes: `seconds` (any multiple of an hour), `kinds` and `counts` are parallel. None without rows.
    """
    if not len(seconds):
        return None
    step = _step(int(seconds.min()), int(seconds.max()))
    at = (seconds - _MONDAY) // step
    first = int(at.min())
    bars = int(at.max()) - first + 1
    names = np.asarray(kinds, dtype=object)
    all_series = {k: np.bincount(at[names == k] - first, counts[names == k], bars) for k in sorted(set(kinds))}
    return Timeline(first * step + _MONDAY, step, bars, _few(all_series))


def _step(first: int, last: int) -> int:
    for step in STEPS:
        if (last - _MONDAY) // step - (first - _MONDAY) // step < MOST_BARS:
            return step
    return YEAR * -(-(last - first + YEAR) // (YEAR * (MOST_BARS - 1)))


def _few(series: Mapping[str, Any]) -> dict[str, Counts]:
    """Keep the largest series in the order of their kinds and add up the rest."""
    largest = sorted(series, key=lambda k: (-int(series[k].sum()), k))
    top = largest if len(largest) <= MOST_SERIES + 1 else largest[:MOST_SERIES]
    out = {k: series[k].astype(np.int64) for k in sorted(top)}
    if rest := largest[len(top) :]:
        out[OTHER] = sum(series[k] for k in rest).astype(np.int64)
    return out


def draw_timeline(data: Timeline, form: Format, lang: str, title: str) -> str:
    """Draw the stacked bars in one language."""
    top = int(sum(data.series.values()).max())  # type: ignore[union-attr]
    ticks = _ticks(top)
    x, y = Scale(0, data.bars, 0, form.width), Scale(0, max(top, ticks[-1]), form.height, 0)
    dates = (text((x(at), form.height + 8), label, PAGE["soft"].light, 12, baseline="top") for at, label in
             _dates(data, form, lang))  # fmt: skip
    marks = [*left_axis(ticks, y, form.width, lambda tick: f"{tick:,}"), *_stacks(data, x, y), *dates]
    return draw(marks, (form.width, form.height), {"left": 44, "right": 12, "top": 8, "bottom": 28}, title)


def _stacks(data: Timeline, x: Scale, y: Scale) -> Iterator[ET.Element]:
    base = np.zeros(data.bars, np.int64)
    gap = 0.12 if data.bars < MOST_BARS // 2 else 0.08
    for kind, counts in data.series.items():
        held = np.flatnonzero(counts).tolist()
        tops = [(i, y(int(base[i] + counts[i])), y(int(base[i]))) for i in held]
        places = [(x(i + gap), top, x(i + 1 - gap) - x(i + gap), foot - top) for i, top, foot in tops]
        yield boxes(places, KINDS[kind_key(kind)].light)
        base += counts


def _ticks(top: int) -> list[int]:
    """Choose about four round numbers from 0 to the first at or above `top`."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if top <= 4 * unit * factor:
                step = unit * factor
                return list(range(0, -(-top // step) * step + 1, step))
        unit *= 10


def _dates(data: Timeline, form: Format, lang: str) -> list[tuple[float, str]]:
    stride = -(-data.bars // form.dates)
    edge = _HALF_DATE * data.bars / form.width
    places = [i for i in range((stride - 1) // 2, data.bars, stride) if edge <= i + 0.5 <= data.bars - edge]
    return [(i + 0.5, _date(data.start + i * data.step, data.step, lang)) for i in places]


def _date(seconds: int, step: int, lang: str) -> str:
    t = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    month = _MONTHS[t.month - 1]
    if step > WEEK:
        return f"{month} {t.year}" if lang == "en" else f"{t.year}年{t.month}月"
    day = f"{t.day} {month}" if lang == "en" else f"{t.month}月{t.day}日"
    return day if step >= DAY else f"{day} {t.hour:02d}:00"
