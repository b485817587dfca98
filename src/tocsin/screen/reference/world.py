"""What the reference judges look at: a run's events by account, what accounts share, and templates."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from tocsin.forms import digest_id
from tocsin.screen.reference.rules import rules
from tocsin.standard import Standard
from tocsin.text import fold_slowly, sketch_slowly

Event = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    """Hold the events of one template, first to last."""

    id: str
    events: list[Event]

    @cached_property
    def by_account(self) -> dict[str, list[Event]]:
        """Part the events by account."""
        return _by_account(self.events)


class World:
    """Look at a run: `asked` holds the user turns of named accounts, `spoken` what rules say by event id."""

    def __init__(self, events: Sequence[Event], standard: Standard) -> None:
        named = [e for e in events if e["account"] is not None]
        self.events = _by_account(sorted(named, key=lambda e: (_time(e), e["id"])))
        self.asked = {a: [e for e in own if e["role"] == "user"] for a, own in self.events.items()}
        self.spoken: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rules(named, standard):
            if row["severity"] >= 2:
                self.spoken[row["event_id"]].append(row)

    def gravest(self, rows: Sequence[dict[str, Any]]) -> str:
        """Name the kind of the gravest row, of equals the surest, then the first rule's."""
        return str(min(rows, key=lambda r: (-r["severity"], -r["score"], r["rule"]))["kind"])

    def kind_of(self, account: str) -> str | None:
        """Name the kind of an account where rules speak of a tenth of what it asked."""
        spoken = [e["id"] for e in self.events[account] if self.spoken.get(e["id"])]
        if not spoken or len(spoken) < 0.1 * len(self.asked[account]):
            return None
        rows = [row for event_id in spoken for row in self.spoken[event_id]]
        return str(min((-r["severity"], r["kind"]) for r in rows)[1])

    def first(self, account: str) -> datetime:
        """Say when an account was first seen."""
        return _time(self.events[account][0])

    def signed_up(self, account: str) -> datetime | None:
        """Say when an account signed up, by the earliest that its events say."""
        said = [e["signed_up"] for e in self.events[account] if e.get("signed_up")]
        return min(map(datetime.fromisoformat, said), default=None)

    def hours(self, account: str) -> dict[datetime, int]:
        """Count the account's user turns by hour."""
        return Counter(_time(e).replace(minute=0, second=0, microsecond=0) for e in self.asked[account])

    def sharing(self, measure: str) -> dict[str, dict[str, datetime]]:
        """List the values of a measure with their accounts and when each was first seen with it."""
        users: dict[str, dict[str, datetime]] = defaultdict(dict)
        for account, own in self.events.items():
            for event in own:
                if value := _value(event, measure):
                    users[value].setdefault(account, _time(event))
        return {value: dict(sorted(accounts.items())) for value, accounts in sorted(users.items())}

    def came_together(self, accounts: Sequence[str]) -> bool:
        """Say whether three fifths came in a short stretch in which at most a third of all others did."""
        if len(accounts) > len(self.events) / 2:
            return False
        ages = {a: t for a in self.events if (t := self.signed_up(a))}
        if sum(a in ages for a in accounts) * 5 >= 3 * len(accounts):
            return self._stand_out(accounts, ages, timedelta(hours=72))
        start = min(map(self.first, self.events))
        late = {a: self.first(a) for a in self.events if self.first(a) > start + timedelta(hours=72)}
        return self._stand_out(accounts, late, timedelta(hours=24))

    def _stand_out(self, accounts: Sequence[str], times: dict[str, datetime], width: timedelta) -> bool:
        own = sorted(times[a] for a in accounts if a in times)
        need = next(n for n in range(3, len(self.events) + 4) if n * 5 >= 3 * len(accounts))
        runs = [(own[i + need - 1] - own[i], own[i]) for i in range(len(own) - need + 1)]
        if not runs or min(runs)[0] > width:
            return False
        start = min(runs)[1]
        others = [a for a, t in times.items() if a not in accounts and start <= t <= start + width]
        return 3 * len(others) <= len(self.events) - len(accounts)

    @cached_property
    def templates(self) -> list[Cluster]:
        """Find the templates, most accounts first."""
        events = sorted((e for own in self.asked.values() for e in own), key=lambda e: (_time(e), e["id"]))
        held = {e["id"]: frozenset(s[:8]) for e in events if len(s := _sketch(e["text"])) >= 4}
        found = _clusters([e for e in events if e["id"] in held], held)
        return sorted(found, key=lambda c: (-len(c.by_account), -len(c.events), c.id))


def _clusters(events: list[Event], held: dict[str, frozenset[int]]) -> Iterator[Cluster]:
    buckets: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        for h in held[event["id"]]:
            buckets[h].append(event)
    popular = {h: bucket for h, bucket in buckets.items() if _is_shared(bucket)}
    taken: set[str] = set()
    for h in sorted(popular, key=lambda h: (-len(_accounts(popular[h])), -len(popular[h]), h)):
        bucket = [e for e in popular[h] if e["id"] not in taken]
        counts = Counter(x for e in bucket for x in held[e["id"]] if x in popular)
        core = {x for x, n in counts.items() if n >= 0.6 * len(bucket)}
        free = [e for e in events if e["id"] not in taken]
        members = [e for e in free if core and len(core & held[e["id"]]) >= 0.6 * len(core)]
        if len(core) >= 3 and _is_shared(bucket) and _is_shared(members):
            taken.update(e["id"] for e in members)
            yield Cluster(digest_id("T", *(f"{x:016x}" for x in sorted(core))), members)


def _is_shared(events: Sequence[Event]) -> bool:
    return len(events) >= 50 or len(_accounts(events)) >= 5


def _accounts(events: Sequence[Event]) -> set[str]:
    return {e["account"] for e in events}


def _by_account(events: Sequence[Event]) -> dict[str, list[Event]]:
    own: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        own[event["account"]].append(event)
    return dict(sorted(own.items()))


def _value(event: Event, measure: str) -> str | None:
    if measure != "network":
        return event.get(measure) or None
    network = event.get("network") or {}
    return f"{network['asn']}/{network.get('country') or '-'}" if network.get("asn") else None


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


@lru_cache(maxsize=65_536)
def _sketch(text: str) -> tuple[int, ...]:
    return tuple(sketch_slowly(fold_slowly(text).encode()))
