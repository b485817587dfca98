"""Campaigns as cards: their cases, accounts, and the network that ties them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.charts.network import ACCOUNTS_DRAWN, HUBS_DRAWN, Hub, Network
from tocsin.charts.shown import shorten

CAMPAIGNS_SHOWN = 10
ACCOUNTS_LISTED = 30
CASES_LISTED = 30
KINDS_LISTED = 8
RULES_NAMED = 2


@dataclass(frozen=True, slots=True)
class Link:
    """Count the accounts behind one shared value."""

    measure: str
    value: str
    accounts: int


@dataclass(frozen=True, slots=True)
class CampaignCard:
    """Hold what a report says of one campaign.

    `number` is its place by best rank, from 1; `rules` are those that spoke in most of its cases.
    """

    number: int
    campaign_id: str
    severity: int
    kinds: tuple[str, ...]
    rules: tuple[str, ...]
    accounts: tuple[str, ...]
    cases: tuple[tuple[int, str], ...]
    findings: int
    first: datetime
    last: datetime
    links: tuple[Link, ...]
    network: Network | None


def campaign_cards(cases: pa.Table) -> tuple[list[CampaignCard], int]:
    """Make a card for each of the first campaigns by best rank, and count the others."""
    linked = cases.filter(pc.is_valid(cases["campaign_id"]))
    ranks = linked.group_by("campaign_id").aggregate([("rank", "min")]).to_pylist()
    order = [r["campaign_id"] for r in sorted(ranks, key=lambda r: (r["rank_min"], r["campaign_id"]))]
    shown = order[:CAMPAIGNS_SHOWN]
    members: dict[str, list[dict[str, Any]]] = {name: [] for name in shown}
    for row in linked.filter(pc.is_in(linked["campaign_id"], pa.array(shown, pa.string()))).sort_by("rank").to_pylist():
        members[row["campaign_id"]].append(row)
    return [_card(i, name, members[name]) for i, name in enumerate(shown, 1)], len(order) - len(shown)


def _card(number: int, name: str, rows: list[dict[str, Any]]) -> CampaignCard:
    ties = _ties(rows)
    links = [Link(m, v, len(who)) for (m, v), who in ties.items()]
    links.sort(key=lambda k: (-k.accounts, k.measure, k.value))
    accounts = tuple(dict.fromkeys(a for r in rows for a in r["accounts"]))
    return CampaignCard(
        number=number,
        campaign_id=name,
        severity=max(r["severity"] for r in rows),
        kinds=_first(Counter(k for r in rows for k in r["kinds"])),
        rules=_first(Counter(rule for r in rows for rule in r["rules"]))[:RULES_NAMED],
        accounts=accounts,
        cases=tuple((r["rank"], r["case_id"]) for r in rows),
        findings=sum(r["findings"] for r in rows),
        first=min(r["first"] for r in rows),
        last=max(r["last"] for r in rows),
        links=tuple(links),
        network=_network(links, ties),
    )


def _first(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in sorted(counts.items(), key=lambda p: (-p[1], p[0])))


def _ties(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, None]]:
    """Map each shared (measure, value) to the accounts of the cases that name it."""
    ties: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        for link in row["links"]:
            measure, _, value = link.partition(":")
            ties.setdefault((measure, value), {}).update(dict.fromkeys(row["accounts"]))
    return ties


def _network(links: list[Link], ties: Mapping[tuple[str, str], Mapping[str, None]]) -> Network | None:
    """Draw the most shared values and the accounts that share most of them."""
    hubs = links[:HUBS_DRAWN]
    degree = Counter(a for hub in hubs for a in ties[hub.measure, hub.value])
    accounts = [a for a, _ in sorted(degree.items(), key=lambda p: (-p[1], p[0]))[:ACCOUNTS_DRAWN]]
    if not accounts:
        return None
    place = {a: i for i, a in enumerate(sorted(accounts))}
    edges = [(place[a], h) for h, hub in enumerate(hubs) for a in sorted(ties[hub.measure, hub.value]) if a in place]
    names = [shorten(a, 12) for a in sorted(accounts)]
    return Network(names, [Hub(shorten(h.measure, 14), shorten(h.value, 9)) for h in hubs], edges)
