"""The forms of sealed bodies: what stands behind a sealed entry, as named fields that are texts.

Every body names six fields of its own (`NAMED`); a form adds at most ten. Numbers are decimal without leading zeros,
times POSIX seconds, and what may be empty is empty. Members go by their names in the charter, bodies by the digests of
their entries, agreements by the hashes of their terms.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from tocsin.forms.errors import FormatError
from tocsin.forms.statements import Count, Hash, Words

NAMED = ("type", "coalition", "author", "origin", "nonce", "audience")
VALUE_BYTES = 32_768

MaybeHash: TypeAlias = Annotated[str, Meta(pattern=r"\A(?:[0-9a-f]{64})?\Z")]
Note: TypeAlias = Annotated[str, Meta(max_length=500)]
Large: TypeAlias = Annotated[str, Meta(min_length=2, max_length=VALUE_BYTES)]
Kind: TypeAlias = Annotated[str, Meta(pattern=r"\AM(?:0[1-9]|1[0-4])\Z")]
Grade: TypeAlias = Annotated[int, Meta(ge=1, le=5)]
Stance: TypeAlias = Literal["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]


class BodyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field=None):
    """What a body says beside the six fields that every body names."""


class Agreement(BodyForm, frozen=True):
    """Accept terms (`forms.terms`), given in full; they are in force once every party has."""

    terms: Large


class Ending(BodyForm, frozen=True):
    """End an agreement, by the hash of its terms; any party may, for all."""

    agreement: Hash
    note: Note


class Alarm(BodyForm, frozen=True):
    """An alarm under an agreement.

    `subject` names what it is about, so that others can say that they saw it too; `seen` when it was last seen;
    `derived` the alarm that it repeats; `replaces` the first version of itself; `detail` an object by data class.
    """

    agreement: Hash
    kind: Kind
    subject: Hash
    severity: Grade
    confidence: Grade
    seen: Count
    expiry: Count
    derived: MaybeHash
    replaces: MaybeHash
    detail: Large


class Retraction(BodyForm, frozen=True):
    """Take back a body of one's own, in every version."""

    target: Hash
    note: Note


class Sighting(BodyForm, frozen=True):
    """Tell that a subject was seen; `derived` names the alarm without which one would not have looked."""

    subject: Hash
    count: Count
    seen: Count
    derived: MaybeHash


class Opinion(BodyForm, frozen=True):
    """Agree or disagree with a body."""

    target: Hash
    stance: Stance
    note: Note


class Receipt(BodyForm, frozen=True):
    """Tell that a body came."""

    target: Hash


class PrivateInquiry(BodyForm, frozen=True):
    """Ask the audience; overdue when not answered by the deadline."""

    text: Words
    deadline: Count


class PrivateAnswer(BodyForm, frozen=True):
    """Answer a private inquiry, by the digest of its entry."""

    target: Hash
    text: Words


BODIES: dict[str, type[BodyForm]] = {
    "agreement": Agreement,
    "ending": Ending,
    "alarm": Alarm,
    "retraction": Retraction,
    "sighting": Sighting,
    "opinion": Opinion,
    "receipt": Receipt,
    "inquiry": PrivateInquiry,
    "answer": PrivateAnswer,
}
"""Every form that a sealed entry may stand for, by its type."""

_TYPES = {form: name for name, form in BODIES.items()}


def type_of(form: BodyForm) -> str:
    """Name a form as the registry does."""
    return _TYPES[type(form)]


def values_of(form: BodyForm) -> dict[str, str]:
    """Write a form's fields as texts."""
    return {name: str(getattr(form, name)) for name in form.__struct_fields__}


def form_of(kind: str, values: Mapping[str, str]) -> BodyForm:
    """Read a form from its fields, the six that every body names left out.

    Errors: FormatError for an unknown type, a field too many, too few or too long, and any other spelling than ours.
    """
    form = BODIES.get(kind)
    if form is None:
        raise FormatError(f"no body has the type {kind[:40]!r}")
    if values.keys() != set(form.__struct_fields__):
        raise FormatError(f"a body of type {kind!r} has {len(values)} fields of its own, or others than its form")
    for name, value in values.items():
        if not _fits(value):
            raise FormatError(f"the field {name!r} is longer than {VALUE_BYTES} bytes, or no text")
    numbers = {name for name, kind_of in _FIELDS[form].items() if kind_of is int}
    made = _convert({n: _number(n, v) if n in numbers else v for n, v in values.items()}, form)
    if values_of(made) != dict(values):
        raise FormatError(f"a body of type {kind!r} is spelled in another way than ours")
    return made


def check_detail(detail: str) -> tuple[str, ...]:
    """Name the data classes of an alarm's detail: the names of a JSON object of objects.

    Errors: FormatError.
    """
    try:
        found = json.loads(detail)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise FormatError("the detail of an alarm is not a JSON object of objects, one a data class")
    return tuple(found)


def _fits(value: str) -> bool:
    try:
        return len(value.encode()) <= VALUE_BYTES
    except UnicodeEncodeError:
        return False


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 17):
        raise FormatError(f"the field {name!r} is not a decimal number")
    return int(text)


def _convert(values: Mapping[str, Any], form: type[BodyForm]) -> BodyForm:
    try:
        return msgspec.convert(dict(values), form)
    except msgspec.ValidationError as error:
        words = str(error)
        where = words[words.rindex("`$") :] if "`$" in words else "its shape"
        raise FormatError(f"a body is not in its form: {where}") from error


_FIELDS = {
    form: {
        field.name: int if isinstance(field.type, msgspec.inspect.IntType) else str
        for field in msgspec.inspect.type_info(form).fields  # type: ignore[attr-defined]
    }
    for form in BODIES.values()
}
