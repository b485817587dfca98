"""Account networks: accounts on a ring, what they share inside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.charts.drawing import altair, chart, draw
from tocsin.charts.palette import LINKS, PAGE

Points = npt.NDArray[np.float64]

SIZE = (488, 340)
RING = (140.0, 138.0)
ACCOUNTS_DRAWN = 36
ACCOUNTS_NAMED = 24
HUBS_DRAWN = 6
_LINE = 12.5
_SHAPES = {
    "device": "square", "client": "diamond", "network": "triangle-up", "payment": "triangle-down", "template": "cross",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hub:
    """Name what accounts share: the measure that ties them and a short label."""

    measure: str
    label: str


@dataclass(frozen=True, slots=True)
class Network:
    """Hold accounts (short labels), hubs, and edges as (account index, hub index)."""

    accounts: Sequence[str]
    hubs: Sequence[Hub]
    edges: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Layout:
    accounts: Points
    hubs: Points


def ring_order(ties: Sequence[frozenset[int]]) -> list[int]:
    """Order accounts so that those with the same hubs stand side by side."""
    return sorted(range(len(ties)), key=lambda i: (tuple(sorted(ties[i])), i))


def lay_out(net: Network) -> _Layout:
    """Place accounts on the ring and each hub near the middle of its accounts, hubs apart from each other."""
    ties = [frozenset(h for a, h in net.edges if a == i) for i in range(len(net.accounts))]
    accounts = np.zeros((len(ties), 2))
    for place, i in enumerate(ring_order(ties)):
        angle = 2 * math.pi * (place + 0.5) / len(ties) - math.pi / 2
        accounts[i] = (RING[0] * math.cos(angle), RING[1] * math.sin(angle))
    return _Layout(accounts, _settle(_hub_targets(net, accounts)))


def _hub_targets(net: Network, accounts: Points) -> Points:
    targets = np.zeros((len(net.hubs), 2))
    for h in range(len(net.hubs)):
        mine = [a for a, hub in net.edges if hub == h]
        if mine:
            targets[h] = accounts[mine].mean(axis=0) * 0.7
    return targets


def _settle(targets: Points, rounds: int = 160) -> Points:
    """Push hubs apart while springs hold them near their targets; labels are wide, so sideways needs more room."""
    n = len(targets)
    turn = 2 * np.pi * np.arange(n) / max(n, 1)
    at: Points = targets + 12.0 * np.stack([np.cos(turn), np.sin(turn)], axis=1) * (n > 1)
    room = np.array([74.0, 56.0])
    for _ in range(rounds):
        apart = (at[:, None, :] - at[None, :, :]) / room
        distance = np.sqrt((apart**2).sum(axis=2)) + np.eye(n)
        push = np.where(distance < 1, (1 - distance) / np.maximum(distance, 0.05), 0)
        at = at + 0.25 * (apart * push[:, :, None]).sum(axis=1) * room + 0.05 * (targets - at)
        reach = np.sqrt(((at / (np.array(RING) * 0.64)) ** 2).sum(axis=1))
        at = at / np.maximum(reach, 1)[:, None]
    return at


def draw_network(net: Network, measures: Mapping[str, str], title: str) -> str:
    """Draw a network in one language; `measures` names each measure in it."""
    at = lay_out(net)
    named = len(net.accounts) <= ACCOUNTS_NAMED
    layers = [_edges(net, at), _account_dots(at), *_hub_marks(net, at, measures)]
    if named and net.accounts:
        layers += _account_names(net, at)
    return draw(layers, SIZE, {"left": 0, "right": 0, "top": 0, "bottom": 0}, title)


def _axes(x: str = "x:Q", y: str = "y:Q") -> dict[str, Any]:
    alt = altair()

    width, height = SIZE
    across = alt.Scale(domain=[-width / 2, width / 2], nice=False, zero=False)
    down = alt.Scale(domain=[height / 2, -height / 2], nice=False, zero=False)
    return {"x": alt.X(x, scale=across, axis=None), "y": alt.Y(y, scale=down, axis=None)}


def _xy(point: Points) -> dict[str, float]:
    return {"x": round(float(point[0]), 1), "y": round(float(point[1]), 1)}


def _edges(net: Network, at: _Layout) -> Any:
    alt = altair()

    rows = []
    for a, h in net.edges:
        end = _xy(at.hubs[h])
        rows.append(_xy(at.accounts[a]) | {"x2": end["x"], "y2": end["y"], "colour": _colour(net.hubs[h].measure)})
    colour = alt.Color("colour:N", scale=None)
    return (
        chart(rows)
        .mark_rule(aria=False, opacity=0.42, strokeWidth=1.3)
        .encode(**_axes(), x2="x2:Q", y2="y2:Q", color=colour)
    )


def _colour(measure: str) -> str:
    return LINKS.get(measure, LINKS["account"]).light


def _account_dots(at: _Layout) -> Any:
    rows = [_xy(p) for p in at.accounts]
    return chart(rows).mark_point(
        aria=False, shape="circle", size=76, filled=True, opacity=1,
        fill=LINKS["account"].light, stroke=PAGE["card"].light, strokeWidth=1.5,
    ).encode(**_axes())  # fmt: skip


def _account_names(net: Network, at: _Layout) -> list[Any]:
    """Write each name outside its dot, left of the ring or right of it, never one over another."""
    layers = []
    for align, side in (("left", 1), ("right", -1)):
        here = sorted(
            (i for i, p in enumerate(at.accounts) if (p[0] >= 0) == (side > 0)), key=lambda i: at.accounts[i, 1]
        )
        heights = _apart([float(at.accounts[i, 1]) * 1.06 for i in here])
        rows = [
            {"x": round(float(at.accounts[i, 0]) * 1.05, 1) + 6 * side, "y": round(y, 1), "label": net.accounts[i]}
            for i, y in zip(here, heights, strict=True)
        ]
        text = chart(rows).mark_text(
            aria=False, align=align, baseline="middle", fontSize=11.5, color=PAGE["soft"].light
        )
        layers += [text.encode(**_axes(), text="label:N")] if rows else []
    return layers


def _apart(heights: list[float]) -> list[float]:
    """Move rising heights apart to a line's height, away from the middle."""
    out = list(heights)
    middle = len(out) // 2
    for i in range(middle + 1, len(out)):
        out[i] = max(out[i], out[i - 1] + _LINE)
    for i in range(middle - 1, -1, -1):
        out[i] = min(out[i], out[i + 1] - _LINE)
    return out


def _hub_marks(net: Network, at: _Layout, measures: Mapping[str, str]) -> list[Any]:
    alt = altair()

    rows = [
        _xy(p) | {
            "measure": measures.get(hub.measure, hub.measure),
            "value": hub.label,
            "colour": _colour(hub.measure), "shape": _SHAPES.get(hub.measure, "circle"),
        }
        for p, hub in zip(at.hubs, net.hubs, strict=True)
    ]  # fmt: skip
    shape, fill = alt.Shape("shape:N", scale=None), alt.Fill("colour:N", scale=None)
    here = chart(rows).encode(**_axes())
    dots = here.mark_point(aria=False, size=230, filled=True, opacity=1, stroke=PAGE["card"].light, strokeWidth=1.5)
    halo: dict[str, Any] = {"stroke": PAGE["card"].light, "strokeWidth": 4, "strokeJoin": "round"}
    names = here.mark_text(aria=False, dy=18, fontSize=12, fontWeight=600, color=PAGE["ink"].light, **halo)
    values = here.mark_text(aria=False, dy=32, fontSize=11, color=PAGE["soft"].light, **halo)
    return [dots.encode(shape=shape, fill=fill), names.encode(text="measure:N"), values.encode(text="value:N")]
