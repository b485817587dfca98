"""Ordinary accounts, and those whose work or worry only sounds alarming."""

import msgspec

from tocsin.traffic.sample.people import Person, waking_moment
from tocsin.traffic.sample.phrases import Pairs, read_bank
from tocsin.traffic.sample.scribe import Scribe


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what people of one role ask."""

    role: str
    prompts: Pairs


def chatter(scribe: Scribe, person: Person, sessions: int) -> None:
    """Write everyday conversations of one account."""
    for _ in range(sessions):
        lang = person.lang(scribe.rng)
        scribe.talk(person, waking_moment(scribe.rng, person), lang, scribe.small_talk(person, lang))


def write_everyday(scribe: Scribe) -> None:
    """Write the ordinary accounts, about two hundred."""
    for _ in range(scribe.rng.randint(195, 225)):
        chatter(scribe, scribe.person(), scribe.rng.randint(2, 6))


def write_alarming(scribe: Scribe) -> None:
    """Write two accounts per alarming role, which also ask ordinary things."""
    for role in read_bank("alarming", tuple[Role, ...]):
        for _ in range(2):
            person = scribe.person()
            for prompts in _conversations(scribe, role):
                lang = person.lang(scribe.rng)
                turns = [scribe.say(prompt, lang) for prompt in prompts]
                scribe.talk(person, waking_moment(scribe.rng, person), lang, turns, refused=0.06)
            chatter(scribe, person, scribe.rng.randint(1, 3))


def _conversations(scribe: Scribe, role: Role) -> list[Pairs]:
    """Deal most of the role's prompts into two or three conversations."""
    chosen = scribe.rng.sample(role.prompts, scribe.rng.randint(2, len(role.prompts)))
    return [tuple(chosen[:1]), tuple(chosen[1:])]
