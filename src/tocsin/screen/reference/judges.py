"""The behaviour detectors as plain loops over a world; every threshold is written out where it is used."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from statistics import mean, median, pstdev
from typing import Any

from tocsin.screen.reference.world import Cluster, World
from tocsin.standard import Standard

Row = dict[str, Any]
Judge = Callable[[World], Iterator[Row]]


def template(events: Sequence[Row], standard: Standard) -> list[Row]:
    """Speak of everybody behind a telling template."""
    return list(_template(World(events, standard)))


def shared(events: Sequence[Row], standard: Standard) -> list[Row]:
    """Speak of everybody on a device, payment, client or network that is shared enough."""
    return list(_shared(World(events, standard)))


def coverage(events: Sequence[Row], standard: Standard) -> list[Row]:
    """Speak of everybody who works through a template like a machine."""
    return list(_coverage(World(events, standard)))


def burst(events: Sequence[Row], standard: Standard) -> list[Row]:
    """Speak of everybody with an hour far above the usual one."""
    return list(_burst(World(events, standard)))


def _row(account: str, time: datetime, kind: str, severity: int, score: float, facts: str, event: Any = None) -> Row:
    about = {"event_id": event, "account": account, "session": None, "time": time, "rule": None}
    return {**about, "kind": kind, "severity": severity, "score": score, "evidence": facts}


def _template(world: World) -> Iterator[Row]:
    for cluster in world.templates:
        count = len(cluster.by_account)
        spoken = [rows for e in cluster.events if (rows := world.spoken.get(e["id"]))]
        kind, severity = _gravity(world, cluster, spoken)
        if count >= 5 and severity:
            share = len(spoken) / len(cluster.events)
            facts = f"{cluster.id}: accounts={count} events={len(cluster.events)} rule_share={share:.2f}"
            score = round(min(0.95, 0.3 + 0.1 * severity + 0.01 * count), 2)
            for account, own in cluster.by_account.items():
                yield _row(account, _time(own[0]), kind, severity, score, facts, own[0]["id"])


def _gravity(world: World, cluster: Cluster, spoken: list[list[Row]]) -> tuple[str, int]:
    own = cluster.by_account
    kinds = Counter(world.gravest(rows) for rows in spoken)
    kind, most = min(kinds.items(), key=lambda k: (-k[1], k[0]), default=("M13", 0))
    hinted = most > 0 and most >= 0.3 * len(cluster.events)
    grave = sum(any(r["severity"] >= 3 for r in rows) for rows in spoken)
    if hinted and grave >= 0.3 * len(cluster.events):
        return kind, 4 if len(own) >= 10 else 3
    devoted = [a for a, e in own.items() if len(e) >= 10 and len(e) >= 0.6 * len(world.asked[a])]
    does_nothing_else = len(devoted) >= 5 and len(devoted) >= 0.5 * len(own)
    signs = world.came_together(list(own)) + does_nothing_else
    return (kind, 1 + signs) if hinted else ("M13", 1 + signs if signs else 0)


def _shared(world: World) -> Iterator[Row]:
    everyone = len(world.events)
    for measure in ("device", "payment", "client", "network"):
        telling = measure in ("device", "payment")
        least, most = (5, max(50, 0.1 * everyone)) if telling else (8, min(max(25, 0.1 * everyone), 0.5 * everyone))
        for users in world.sharing(measure).values():
            if least <= len(users) <= most:
                yield from _crowd(world, measure, telling, users)


def _crowd(world: World, measure: str, telling: bool, users: dict[str, datetime]) -> Iterator[Row]:
    together = world.came_together(list(users))
    one_template = any(sum(a in t.by_account for a in users) >= 0.5 * len(users) for t in world.templates)
    misuse = sum(world.kind_of(a) is not None for a in users) >= (0.3 if telling else 0.6) * len(users)
    signs = ["came_together"] * together + ["one_template"] * one_template + ["misuse"] * misuse
    severity = 1 + telling
    if together or misuse:
        severity = min(4, severity + len(signs))
    if not telling and not misuse:
        severity = min(2, severity)
    if severity >= 2:
        score = round(min(0.95, 0.3 + 0.15 * len(signs) + 0.01 * len(users) + 0.1 * telling), 2)
        facts = f"{measure}: accounts={len(users)} signs={'+'.join(signs) or 'none'}"
        for account, first in users.items():
            yield _row(account, first, "M13", severity, score, facts)


def _coverage(world: World) -> Iterator[Row]:
    for cluster in world.templates:
        machines = {a: own for a, own in cluster.by_account.items() if _is_machine(world, a, own)}
        enough = len(machines) >= 3 and len(machines) >= 0.5 * len(cluster.by_account)
        one_hand = enough and (world.came_together(list(machines)) or _have_their_own(world, set(machines)))
        severity, score = (4, 0.8) if one_hand else (2, 0.5)
        facts = f"{cluster.id}: accounts={len(machines)} events={sum(map(len, machines.values()))}"
        for account, own in machines.items():
            yield _row(account, _time(own[0]), "M11", severity, score, facts, own[0]["id"])


def _is_machine(world: World, account: str, own: list[Row]) -> bool:
    hours = world.hours(account)
    counts = list(hours.values())
    devoted = len(own) >= 60 and len(own) >= 0.6 * len(world.asked[account])
    return devoted and len({h.hour for h in hours}) >= 12 and pstdev(counts) <= 0.75 * mean(counts)


def _have_their_own(world: World, machines: set[str]) -> bool:
    users = [set(u) for m in ("device", "payment", "client", "network") for u in world.sharing(m).values()]
    ours = [(len(machines & u), len(u)) for u in users]
    return any(n >= 3 and n >= 0.5 * len(machines) and n >= 0.5 * everyone for n, everyone in ours)


def _burst(world: World) -> Iterator[Row]:
    busy = {a: world.hours(a) for a in world.events if world.asked[a]}
    usual = median(max(hours.values()) for hours in busy.values()) if busy else 0
    for account, hours in busy.items():
        most = max(hours.values())
        if most >= 40 and most >= 8 * usual:
            kind = world.kind_of(account)
            when = min(hour for hour, n in hours.items() if n == most)
            facts = f"events_in_one_hour={most} usual={usual:.0f}"
            yield _row(account, when, kind or "M13", 2 if kind else 1, 0.4, facts)


def _time(event: Row) -> datetime:
    return datetime.fromisoformat(event["time"])
