"""Six planted campaigns: the shape of misuse and of the behaviour that gives it away."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import msgspec

from tocsin.traffic.sample.everyday import chatter
from tocsin.traffic.sample.model import Bilingual, Planted
from tocsin.traffic.sample.people import START, Person, within
from tocsin.traffic.sample.phrases import Pairs, Phrases, Slots, Words, read_bank
from tocsin.traffic.sample.scribe import Scribe

CAMPAIGNS = ("parcel-lures", "patient-suitors", "night-builders", "open-gates", "seat-farm", "slow-copy")

Range = tuple[int, int]


class Plot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tell how one campaign behaves and what it asks. Ranges are inclusive."""

    kind: str
    story: Bilingual
    prompts: Pairs
    signup_hours: int  # all accounts sign up within this stretch
    zh_share: float  # of the accounts
    everyday: Range  # ordinary conversations per account
    accounts: Range = (9, 25)
    followups: Pairs = ()
    words: Slots = {}
    client: tuple[str, ...] = ()  # one of these for all; empty: ordinary clients
    devices: int = 0  # shared by all accounts; 0: each has its own
    one_payment: bool = False
    own_network: bool = False
    burst: bool = False  # all talk in the same few evenings
    night: bool = False
    sessions: Range = (1, 1)
    turns: Range = (1, 1)
    refused: float = 0.0
    grid: Slots = {}  # a systematic campaign walks the product of these
    pace_minutes: Range = (0, 0)
    pace_prompts: Range = (0, 0)


def read_plots() -> dict[str, Plot]:
    """Read how the campaigns behave and what they ask."""
    return read_bank("campaigns", dict[str, Plot])


def write_campaign(scribe: Scribe, name: str, plot: Plot) -> Planted:
    """Write all events of one campaign and return the truth about it."""
    founded = START + timedelta(hours=scribe.rng.randint(24, 96))
    people = _recruit(scribe, name, plot, founded)
    phrases = scribe.banks.phrases.extended(plot.words)
    if plot.grid:
        _walk(scribe, plot, people, phrases, founded)
    else:
        _converse(scribe, plot, people, phrases, founded)
    for person in people:
        chatter(scribe, person, scribe.rng.randint(*plot.everyday))
    return Planted(name, plot.kind, tuple(person.account for person in people), plot.story)


def _recruit(scribe: Scribe, name: str, plot: Plot, founded: datetime) -> list[Person]:
    """Invent the accounts, and give them in common what the plot says."""
    rng = scribe.rng
    country = scribe.person().country
    common: dict[str, Any] = {}
    if plot.client:
        common["client"] = rng.choice(plot.client)
    if plot.one_payment:
        common["payment"] = f"pay-{scribe.name()}"
    if plot.own_network:
        common |= {"asn": f"AS{65101 + CAMPAIGNS.index(name)}", "country": country}
    devices = [f"dev-{scribe.name()}" for _ in range(plot.devices)]
    people = []
    for number, zh_share in enumerate(_shares(scribe, plot)):
        own: dict[str, Any] = {"devices": (devices[number % len(devices)],)} if devices else {}
        own["signed_up"] = founded - timedelta(seconds=rng.randint(0, plot.signup_hours * 3600))
        people.append(replace(scribe.person(), zh_share=zh_share, **common, **own))
    return people


def _shares(scribe: Scribe, plot: Plot) -> list[float]:
    """Deal the languages to the accounts: every fourth speaks both."""
    size = scribe.rng.randint(*plot.accounts)
    shares = [float(number < round(plot.zh_share * size)) for number in range(size)]
    scribe.rng.shuffle(shares)
    return [0.5 if number % 4 == 0 else share for number, share in enumerate(shares)]


def _converse(scribe: Scribe, plot: Plot, people: list[Person], phrases: Phrases, founded: datetime) -> None:
    rng = scribe.rng
    evenings = sorted(rng.sample(range(1, 13), 3))
    for person in people:
        for lang in _langs(scribe, person, rng.randint(*plot.sessions)):
            more = min(len(plot.followups), rng.randint(*plot.turns) - 1)
            templates = [rng.choice(plot.prompts), *rng.sample(plot.followups, more)]
            turns = [phrases.fill(template, lang, rng) for template in templates]
            scribe.talk(person, _moment(scribe, plot, founded, evenings), lang, turns, plot.refused)


def _langs(scribe: Scribe, person: Person, sessions: int) -> list[str]:
    """Name the language of each conversation; who speaks both alternates, and so links the two halves."""
    if 0 < person.zh_share < 1:
        return [("en", "zh")[turn % 2] for turn in range(sessions)]
    return [person.lang(scribe.rng)] * sessions


def _moment(scribe: Scribe, plot: Plot, founded: datetime, evenings: list[int]) -> datetime:
    midnight = founded.replace(hour=0)
    if plot.burst:
        evening = midnight + timedelta(days=scribe.rng.choice(evenings), hours=19)
        return within(evening + timedelta(minutes=scribe.rng.uniform(0, 40)))
    if plot.night:
        return within(midnight + timedelta(days=scribe.rng.randint(1, 13), hours=scribe.rng.uniform(0.5, 4.5)))
    return within(founded + timedelta(days=scribe.rng.uniform(0.1, 14)))


def _walk(scribe: Scribe, plot: Plot, people: list[Person], phrases: Phrases, founded: datetime) -> None:
    """Deal the cells of the grid to the accounts, which ask for them at an even pace, day and night."""
    rng = scribe.rng
    pace = timedelta(minutes=rng.uniform(*plot.pace_minutes))
    for number, person in enumerate(people):
        at, lang = founded + pace * rng.uniform(1, 3), person.lang(rng)
        cells = _cells(plot, lang)
        session, day = "", None
        for step in range(rng.randint(*plot.pace_prompts)):
            if at.date() != day:
                session, day = f"sess-{scribe.name()}", at.date()
            serial = number * len(cells) // len(people) + step
            text = phrases.extended(_only(cells[serial % len(cells)], serial)).fill(plot.prompts[0], lang, rng)
            scribe.request(person, at.replace(microsecond=0), lang, text, session)
            at += pace * rng.uniform(0.97, 1.03)


def _cells(plot: Plot, lang: str) -> list[dict[str, str]]:
    values = (getattr(words, lang) for words in plot.grid.values())
    return [dict(zip(plot.grid, cell, strict=True)) for cell in product(*values)]


def _only(cell: dict[str, str], serial: int) -> Slots:
    """Make each slot of the grid hold the one word of this cell."""
    return {name: Words(en=(word,), zh=(word,)) for name, word in {**cell, "serial": str(serial + 1)}.items()}
