"""What a sample is made of."""

from dataclasses import dataclass

import msgspec

Event = dict[str, object]


class Bilingual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one idea in English and in Chinese."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """Return the text in `lang`, "en" or "zh"."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Planted:
    """Tell the truth about one planted campaign: the kind of misuse, and every account that takes part."""

    name: str
    kind: str
    accounts: tuple[str, ...]
    story: Bilingual


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold native lines, oldest first, and the campaigns planted among them."""

    events: tuple[Event, ...]
    planted: tuple[Planted, ...]
