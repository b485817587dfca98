"""Invented account holders: where they sit, what they write with, when they are awake."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 21

# Country codes that ISO 3166 leaves to users, and networks from the private range: nobody is meant.
_COUNTRIES = {"XA": -5, "XB": 8, "XC": 1, "XD": 5, "XE": 9, "XF": -3}
_WEB = ("web/26.2", "web/26.3", "web/26.4")
_MOBILE = ("mobile-a/7.1", "mobile-a/7.2", "mobile-b/5.0", "mobile-b/5.3", "tablet/2.2")
_CLIENTS = (*_WEB, *_MOBILE, "desktop/3.8", "desktop/3.9", "editor/1.6", "sdk/0.28", "sdk/0.31", "terminal/1.0")
_MODELS = ("small-2", "large-2", "large-3")
_PROVIDERS = (5, 4, 4)  # how much of a country each serves
_TUNNEL = ("AS65120", "XC")  # where those come out who hide their own network


@dataclass(frozen=True, slots=True)
class Person:
    """Describe one account: what a log would tell about it, and its habits."""

    account: str
    zh_share: float
    client: str
    asn: str
    country: str
    devices: tuple[str, ...]
    payment: str | None
    signed_up: datetime
    model: str
    peak_hour: float
    subjects: tuple[int, ...]

    def lang(self, rng: Random) -> str:
        """Choose the language of the next conversation."""
        return "zh" if rng.random() < self.zh_share else "en"


def invent(rng: Random, name: str, subjects: int) -> Person:
    """Invent an ordinary account; `name` is its unique suffix, `subjects` the number of subjects to choose from."""
    asn, country = _network(rng)
    joined = START + timedelta(days=rng.uniform(-700, -1) if rng.random() < 0.85 else rng.uniform(0, 14))
    return Person(
        account=f"acct-{name}",
        zh_share=rng.choice((0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0)),
        client=rng.choice(_CLIENTS),
        asn=asn,
        country=country,
        devices=tuple(f"dev-{name}{letter}" for letter in "ab"[: rng.choice((1, 1, 2))]),
        payment=f"pay-{name}" if rng.random() < 0.4 else None,
        signed_up=joined.replace(microsecond=0),
        model=rng.choice(_MODELS),
        peak_hour=rng.uniform(9, 21),
        subjects=tuple(rng.sample(range(subjects), rng.randint(3, 5))),
    )


def _network(rng: Random) -> tuple[str, str]:
    if rng.random() < 0.04:
        return _TUNNEL
    number = rng.randrange(len(_COUNTRIES))
    provider = rng.choices(range(len(_PROVIDERS)), _PROVIDERS)[0]
    return f"AS{64512 + 16 * number + provider}", tuple(_COUNTRIES)[number]


def waking_moment(rng: Random, person: Person) -> datetime:
    """Return a moment in the sample's three weeks, after sign-up, at which the person is likely awake."""
    first = max(0, (person.signed_up - START).days + 1)
    days = range(first, DAYS)
    day = rng.choices(days, [0.6 if day % 7 > 4 else 1.0 for day in days])[0]
    hour = min(23.5, max(6.5, rng.gauss(person.peak_hour, 2.8)))
    return within(START + timedelta(days=day, hours=hour - _COUNTRIES[person.country]))


def within(moment: datetime) -> datetime:
    """Return the moment moved by whole days into the sample's three weeks, in whole seconds."""
    while moment < START:
        moment += timedelta(days=1)
    while moment >= START + timedelta(days=DAYS):
        moment -= timedelta(days=1)
    return moment.replace(microsecond=0)
