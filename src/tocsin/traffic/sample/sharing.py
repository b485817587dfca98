"""Ordinary reasons for which many accounts share a text, a network, a client or a device."""

from dataclasses import replace
from datetime import timedelta

import msgspec

from tocsin.traffic.sample.everyday import chatter
from tocsin.traffic.sample.model import Bilingual
from tocsin.traffic.sample.people import START, Person, waking_moment, within
from tocsin.traffic.sample.phrases import Pairs, Slots, read_bank
from tocsin.traffic.sample.scribe import Scribe


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what a group of ordinary accounts has in common."""

    prompts: Pairs
    followups: Pairs
    words: Slots = {}


class Sharing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold all groups."""

    blog: Shared
    class_en: Shared
    class_zh: Shared
    office: Shared
    widget: Shared
    widget_system: Bilingual
    library: Shared
    nightly: Shared


def write_sharing(scribe: Scribe) -> None:
    """Write every group of ordinary accounts that share something."""
    bank = read_bank("sharing", Sharing)
    _blog(scribe, bank.blog)
    _homework(scribe, bank.class_en, "en", "AS64701")
    _homework(scribe, bank.class_zh, "zh", "AS64702")
    _office(scribe, bank.office)
    _widget(scribe, bank.widget, bank.widget_system)
    _library(scribe, bank.library)
    _nightly(scribe, bank.nightly)


def _turns(scribe: Scribe, shared: Shared, lang: str, most: int) -> list[str]:
    phrases = scribe.banks.phrases.extended(shared.words)
    more = scribe.rng.sample(shared.followups, scribe.rng.randint(0, min(most, len(shared.followups))))
    return [phrases.fill(template, lang, scribe.rng) for template in (scribe.rng.choice(shared.prompts), *more)]


def _converse(scribe: Scribe, person: Person, shared: Shared, most: int, system: Bilingual | None = None) -> None:
    lang = person.lang(scribe.rng)
    start = waking_moment(scribe.rng, person)
    scribe.talk(person, start, lang, _turns(scribe, shared, lang, most), system=system.of(lang) if system else "")


def _blog(scribe: Scribe, shared: Shared) -> None:
    """A prompt from a popular page, copied by readers everywhere."""
    for _ in range(scribe.rng.randint(23, 28)):
        person = scribe.person()
        _converse(scribe, person, shared, 4)
        chatter(scribe, person, scribe.rng.randint(1, 3))


def _homework(scribe: Scribe, shared: Shared, lang: str, asn: str) -> None:
    """A class with the same homework, most of it on the evening before it is due, on one university network."""
    due = START + timedelta(days=scribe.rng.randint(3, 18), hours=11)
    country = scribe.person().country
    for _ in range(scribe.rng.randint(11, 14)):
        enrolled = START - timedelta(days=scribe.rng.randint(20, 160), seconds=scribe.rng.randint(0, 80_000))
        person = replace(scribe.person(), asn=asn, country=country, zh_share=float(lang == "zh"), signed_up=enrolled)
        start = within(due + timedelta(minutes=scribe.rng.randint(0, 300)))
        scribe.talk(person, start, lang, _turns(scribe, shared, lang, 2))
        chatter(scribe, person, scribe.rng.randint(1, 3))


def _office(scribe: Scribe, shared: Shared) -> None:
    """An office behind one address with one client; colleagues joined over the years."""
    country = scribe.person().country
    for _ in range(scribe.rng.randint(13, 17)):
        person = replace(scribe.person(), asn="AS64710", country=country, client="desk-assist/1.4", payment=None)
        for _ in range(scribe.rng.randint(3, 5)):
            _converse(scribe, person, shared, 1)
        chatter(scribe, person, scribe.rng.randint(1, 2))


def _widget(scribe: Scribe, shared: Shared, system: Bilingual) -> None:
    """Customers of a shop who talk with its support bot, under the shop's system prompt."""
    for _ in range(scribe.rng.randint(20, 26)):
        person = replace(scribe.person(), client="counter-widget/2.2", payment=None)
        for _ in range(scribe.rng.randint(1, 3)):
            _converse(scribe, person, shared, 2, system)


def _library(scribe: Scribe, shared: Shared) -> None:
    """Readers who take turns at two computers of a public library."""
    country = scribe.person().country
    devices = f"dev-{scribe.name()}", f"dev-{scribe.name()}"
    for _ in range(scribe.rng.randint(6, 8)):
        device = (scribe.rng.choice(devices),)
        person = replace(scribe.person(), asn="AS64720", country=country, client="web/26.3", devices=device)
        _converse(scribe, person, shared, 1)
        chatter(scribe, person, scribe.rng.randint(1, 2))


def _nightly(scribe: Scribe, shared: Shared) -> None:
    """Small firms, each with its own template and a batch of a few minutes every night."""
    for template in shared.prompts:
        person = scribe.person()
        lang = person.lang(scribe.rng)
        person = replace(person, client="sdk/0.31", signed_up=min(person.signed_up, START - timedelta(days=9)))
        for day in range(scribe.rng.randint(4, 6)):
            at = within(START + timedelta(days=3 * day, hours=scribe.rng.randint(1, 3), minutes=30))
            session = f"sess-{scribe.name()}"
            for _ in range(scribe.rng.randint(7, 11)):
                scribe.request(person, at, lang, scribe.say(template, lang), session)
                at += timedelta(seconds=scribe.rng.randint(3, 40))
