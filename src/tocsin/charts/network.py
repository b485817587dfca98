"""Account networks: accounts on a ring, what they share inside it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from tocsin.charts.drawing import draw
from tocsin.charts.marks import halo, line, symbol, text
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
class _Layout:
    accounts: Points
    hubs: Points


@dataclass(frozen=True)
class Network:
    """Hold accounts (short labels), hubs, and edges as (account index, hub index)."""

    accounts: Sequence[str]
    hubs: Sequence[Hub]
    edges: Sequence[tuple[int, int]]

    @cached_property
    def layout(self) -> _Layout:
        """Place accounts and hubs, the same in every language."""
        return lay_out(self)


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
    at = net.layout
    marks = [*_edges(net, at), *_account_dots(at), *_hub_marks(net, at, measures)]
    if len(net.accounts) <= ACCOUNTS_NAMED:
        marks += _account_names(net, at)
    return draw(marks, SIZE, {"left": 0, "right": 0, "top": 0, "bottom": 0}, title)


def _xy(point: Points) -> tuple[float, float]:
    """Place a point of the ring on the plot."""
    return SIZE[0] / 2 + float(point[0]), SIZE[1] / 2 + float(point[1])


def _edges(net: Network, at: _Layout) -> Iterator[ET.Element]:
    for a, h in net.edges:
        ends = [_xy(at.accounts[a]), _xy(at.hubs[h])]
        yield line(ends, _colour(net.hubs[h].measure), 1.3, stroke_opacity="0.42")


def _colour(measure: str) -> str:
    return LINKS.get(measure, LINKS["account"]).light


def _account_dots(at: _Layout) -> Iterator[ET.Element]:
    for point in at.accounts:
        yield symbol("circle", _xy(point), 76, LINKS["account"].light, PAGE["card"].light)


def _account_names(net: Network, at: _Layout) -> Iterator[ET.Element]:
    """Write each name outside its dot, left of the ring or right of it, never one over another."""
    for anchor, side in (("start", 1), ("end", -1)):
        here = sorted(
            (i for i, p in enumerate(at.accounts) if (p[0] >= 0) == (side > 0)), key=lambda i: at.accounts[i, 1]
        )
        heights = _apart([float(at.accounts[i, 1]) * 1.06 for i in here])
        for i, y in zip(here, heights, strict=True):
            place = _xy(np.array([float(at.accounts[i, 0]) * 1.05 + 6 * side, y]))
            yield text(place, net.accounts[i], PAGE["soft"].light, 11.5, anchor, "middle")


def _apart(heights: list[float]) -> list[float]:
    """Move rising heights apart to a line's height, away from the middle."""
    out = list(heights)
    middle = len(out) // 2
    for i in range(middle + 1, len(out)):
        out[i] = max(out[i], out[i - 1] + _LINE)
    for i in range(middle - 1, -1, -1):
        out[i] = min(out[i], out[i + 1] - _LINE)
    return out


def _hub_marks(net: Network, at: _Layout, measures: Mapping[str, str]) -> Iterator[ET.Element]:
    card, places = PAGE["card"].light, [_xy(p) for p in at.hubs]
    for (x, y), hub in zip(places, net.hubs, strict=True):
        yield symbol(_SHAPES.get(hub.measure, "circle"), (x, y), 230, _colour(hub.measure), card)
    for (x, y), hub in zip(places, net.hubs, strict=True):
        name = measures.get(hub.measure, hub.measure)
        yield text((x, y + 18), name, PAGE["ink"].light, 12, font_weight="600", **halo(card))
        yield text((x, y + 32), hub.label, PAGE["soft"].light, 11, **halo(card))
