"""Template banks, and how their templates become texts."""

import re
from collections import defaultdict
from collections.abc import Mapping
from importlib.resources import files
from random import Random
from typing import TypeVar

import msgspec

from tocsin.traffic.sample.model import Bilingual

_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
_SLOT = re.compile(r"\{(?:(\d+)-(\d+)|(=?)([a-z_]+))\}")

Pairs = tuple[Bilingual, ...]
Form = TypeVar("Form")


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """List the words that may fill a slot, per language."""

    en: tuple[str, ...]
    zh: tuple[str, ...]


Slots = dict[str, Words]


class Frames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what stands around a request and what follows it."""

    openings: Pairs
    closings: Pairs
    followups: Pairs
    replies: Pairs
    refusals: Pairs


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the requests of one subject of everyday use, and details that go with any of them."""

    tasks: Pairs
    details: Pairs


def read_bank(name: str, form: type[Form]) -> Form:
    """Read the bank `name`.yaml, which must have exactly the given form."""
    data = files(__package__).joinpath("banks", f"{name}.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=form)


class Phrases:
    """Turn templates into texts.

    A template holds choices `<a|b>`, number ranges `{3-12}` and named slots `{city}`, and so may a slot's words.
    A slot named twice gets two different words; `{=city}` repeats the last one.
    """

    def __init__(self, slots: Mapping[str, Words]) -> None:
        self._slots = slots

    def extended(self, words: Mapping[str, Words]) -> "Phrases":
        """Return the same phrases with more slots."""
        return Phrases({**self._slots, **words})

    def fill(self, template: Bilingual, lang: str, rng: Random) -> str:
        """Return one text of the template."""
        used: dict[str, list[str]] = defaultdict(list)

        def word(found: re.Match[str]) -> str:
            low, high, again, slot = found.groups()
            if low:
                return str(rng.randint(int(low), int(high)))
            if not again:
                values: tuple[str, ...] = getattr(self._slots[slot], lang)
                used[slot].append(rng.choice([value for value in values if value not in used[slot]] or values))
            return used[slot][-1]

        text = template.of(lang)
        while _SLOT.search(text) or _CHOICE.search(text):
            text = _SLOT.sub(word, _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), text))
        return text


def compose(phrases: Phrases, frames: Frames, subject: Subject, lang: str, rng: Random) -> str:
    """Return one everyday request: opening, task, detail and closing, of which all but the task may be missing."""
    parts = [rng.choice(subject.tasks)]
    if rng.random() < 0.55:
        parts.insert(0, rng.choice(frames.openings))
    if rng.random() < 0.75:
        parts.append(rng.choice(subject.details))
    if rng.random() < 0.5:
        parts.append(rng.choice(frames.closings))
    texts = [phrases.fill(part, lang, rng) for part in parts]
    return ("" if lang == "zh" else " ").join(text[:1].upper() + text[1:] for text in texts)
