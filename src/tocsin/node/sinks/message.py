"""What is told about a decision: ids, effect and reason, never content; in the words of one language."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from tocsin.cases import EFFECTS, NO_EFFECT, REASONS, Effect, Reason
from tocsin.forms import FormatError
from tocsin.standard import Bilingual

Names = Mapping[str, Bilingual]
"""Names of kinds, by code."""


class About(StrEnum):
    """What happened."""

    MADE = "decision.made"
    UNDONE = "decision.undone"
    PROPOSED = "decision.proposed"
    APPEALED = "appeal.received"


@dataclass(frozen=True)
class Message:
    """Tell one thing that happened to a case.

    `id` is the same in every try; `sequence` grows by act, so that a receiver can drop what is older than what it has.
    `time` is POSIX microseconds. `accounts` are keyed hashes.
    """

    id: str
    about: About
    time: int
    node: str
    case: str
    sequence: int
    effect: Effect | None
    before: Effect | None
    reason: Reason | None
    people: int
    kinds: tuple[str, ...]
    severity: int
    accounts: tuple[str, ...] = ()

    @property
    def when(self) -> datetime:
        """The time, as a date of UTC."""
        return datetime.fromtimestamp(self.time / 1_000_000, UTC)

    @property
    def seconds(self) -> float:
        """The time, in POSIX seconds to the millisecond."""
        return self.time // 1000 / 1000

    def without_accounts(self) -> "Message":
        """Leave identifiers out."""
        return replace(self, accounts=())


def write_message(message: Message) -> bytes:
    """Write a message as it is kept in the outbox."""
    return msgspec.json.encode(message)


def read_message(raw: bytes) -> Message:
    """Read a message of the outbox.

    Errors: FormatError.
    """
    try:
        return msgspec.json.decode(raw, type=Message)
    except msgspec.MsgspecError as error:
        raise FormatError("a message of the outbox is not one", hint="restore the database from a backup") from error


def data_of(message: Message) -> dict[str, Any]:
    """List what a receiver's program reads; `accounts` is missing where the destination may not have them."""
    told: dict[str, Any] = {
        "node": message.node,
        "case": message.case,
        "sequence": message.sequence,
        "effect": message.effect,
        "before": message.before,
        "reason": message.reason,
        "people": message.people,
        "kinds": list(message.kinds),
        "severity": message.severity,
    }
    return told | ({"accounts": list(message.accounts)} if message.accounts else {})


def iso(when: datetime) -> str:
    """Write a time as RFC 3339, to the millisecond."""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_TITLES = {
    About.MADE: Bilingual(en="{effect} in force", zh="处置“{effect}”已生效"),
    About.UNDONE: Bilingual(en="Undone: {before}; now {effect}", zh="已撤销处置“{before}”，现为“{effect}”"),
    About.PROPOSED: Bilingual(en="{effect} waits for a second person", zh="处置“{effect}”待第二人复核"),
    About.APPEALED: Bilingual(en="Appeal received against: {effect}", zh="收到对处置“{effect}”的申诉"),
}
_FIELDS = {
    "case": Bilingual(en="Case", zh="个案"),
    "effect": Bilingual(en="Effect", zh="处置"),
    "before": Bilingual(en="Before", zh="此前处置"),
    "reason": Bilingual(en="Reason", zh="理由"),
    "kinds": Bilingual(en="Kinds", zh="类别"),
    "severity": Bilingual(en="Severity", zh="严重程度"),
    "people": Bilingual(en="Decided by", zh="决定人数"),
    "accounts": Bilingual(en="Account (keyed hash)", zh="账号（带密钥哈希）"),
}


def said(words: Bilingual, lang: str) -> str:
    """Choose the language, en or zh."""
    return words.zh if lang == "zh" else words.en


def effect_name(effect: Effect | None, lang: str) -> str:
    """Name an effect."""
    return said(EFFECTS[effect] if effect else NO_EFFECT, lang)


def title(message: Message, lang: str) -> str:
    """Say in a line what happened."""
    names = {"effect": effect_name(message.effect, lang), "before": effect_name(message.before, lang)}
    return said(_TITLES[message.about], lang).format(**names)


def facts(message: Message, names: Names, lang: str) -> list[tuple[str, str]]:
    """List what a person wants to know, as labels and values."""
    values = {
        "case": message.case,
        "effect": effect_name(message.effect, lang),
        "before": effect_name(message.before, lang),
        "reason": said(REASONS[message.reason], lang) if message.reason else "",
        "kinds": ("、" if lang == "zh" else "; ").join(_kind(k, names, lang) for k in message.kinds),
        "severity": f"{message.severity} / 5",
        "people": _people(message.people, lang) if message.people else "",
        "accounts": ", ".join(message.accounts),
    }
    return [(said(_FIELDS[key], lang), value) for key, value in values.items() if value]


def _kind(code: str, names: Names, lang: str) -> str:
    return f"{code} {said(names[code], lang)}" if code in names else code


def _people(count: int, lang: str) -> str:
    if lang == "zh":
        return f"{count} 人"
    return f"{count} {'person' if count == 1 else 'people'}"
