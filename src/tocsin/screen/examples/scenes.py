"""Scenes of made-up traffic for the examples of detectors: native events as dicts, times in hours after a fixed day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from tocsin.forms import TRAFFIC

Event = dict[str, Any]

DAY = datetime(2026, 3, 2, tzinfo=UTC)
TOWN_DAYS = 10
GRAVE, HINT = "ring the iron bell", "polish the copper bell"  # what the rules of the examples speak of
_SYLLABLES = (*(a + b for a in "bdghklmnprst" for b in "aeiou"), *"钟楼山水风雪桥灯")


def at(hours: float) -> str:
    """Write a time as native JSONL holds it."""
    return (DAY + timedelta(hours=hours)).isoformat()


def event(account: str | None, number: int, hours: float, text: str, **fields: Any) -> Event:
    """Write one event; its id is the account and a number."""
    known = {"id": f"{account}-{number}", "time": at(hours), "account": account, "session": f"{account}-talk"}
    return {**known, "role": "user", "text": text, **fields}


def babble(seed: str, words: int = 14) -> str:
    """Make a text that no other seed makes and no rule speaks of."""
    draw = Random(seed)
    return " ".join("".join(draw.choices(_SYLLABLES, k=3)) for _ in range(words))


def filled(template: str, slot: str) -> str:
    """Fill a template of some forty fixed words with a slot of its own."""
    return f"{babble(template, 20)} {slot} {babble(template + ' goes on', 20)}"


def town(people: int = 40, days: float = TOWN_DAYS) -> list[Event]:
    """Ordinary accounts: each of its own age, with its own device and words, here and there over some days."""
    return [one for n in range(people) for one in _ordinary(f"town{n}", n, days)]


def _ordinary(account: str, n: int, days: float) -> Iterable[Event]:
    own = {"device": f"device of {account}", "signed_up": at(-24 * (3 + 7 * n)), "client": f"app/{n % 3}"}
    for number in range(3):
        hours = Random(f"{account}{number}").uniform(0, 24 * days)
        yield event(account, number, hours, babble(f"{account} {number}"), **own)


def crowd(
    size: int,
    texts: Sequence[str] = (),
    *,
    name: str = "crowd",
    apart_hours: float | None = 1,
    known: float = 1.0,
    day: int = 5,
    **common: Any,
) -> list[Event]:
    """Accounts that have the fields of `common` alike; each sends its own babble and every text, `{slot}` filled anew.

    They sign up `apart_hours` apart, or do not say when if that is None; `known` is the share that does say.
    """
    events = []
    for n in range(size):
        account = f"{name}{n}"
        own = dict(common)
        if apart_hours is not None and n < known * size:
            own["signed_up"] = at(-apart_hours * n)
        says = [babble(account), *(t.replace("{slot}", babble(f"{account}{i}", 2)) for i, t in enumerate(texts))]
        events += [event(account, i, 24 * day + n / 8 + i / 60, text, **own) for i, text in enumerate(says)]
    return events


def machine(name: str, events: int = 72, *, step_hours: float = 0.5, template: str = "grid", **own: Any) -> list[Event]:
    """An account that walks through one template at an even pace."""
    return [
        event(name, i, 30 + i * step_hours, filled(template, f"item {i} {babble(f'{name}{i}', 1)}"), **own)
        for i in range(events)
    ]


def rush(name: str, events: int, hour: float = 40.0, **own: Any) -> list[Event]:
    """An account that asks many things within one hour."""
    return [event(name, i, hour + 0.9 * i / events, babble(f"{name} {i}"), **own) for i in range(events)]


def traffic(events: Iterable[Event]) -> pa.RecordBatch:
    """Read native events into TRAFFIC."""
    return pa.RecordBatch.from_pylist([_row(e) for e in events], schema=TRAFFIC)


def _row(native: Event) -> dict[str, Any]:
    times = {k: datetime.fromisoformat(native[k]) for k in ("time", "signed_up") if native.get(k)}
    return {**native, "event_id": native["id"], **times}
