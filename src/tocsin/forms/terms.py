"""The terms of an agreement: who shares what with whom, why, on what basis, what may be done with it, and until when.

Lists are closed where rules depend on them, so that terms can be checked by machine on sending and on receipt. The
words for each entry stand beside it in English and in Chinese.
"""

from collections.abc import Collection
from hashlib import sha256
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from tocsin.forms.bodies import VALUE_BYTES, Alarm, Kind, check_detail
from tocsin.forms.errors import FormatError, PolicyError
from tocsin.forms.statements import Count, Hash, decode

PURPOSES = {
    "protect-users": ("protect users from fraud and harm", "保护用户免受欺诈和侵害"),
    "protect-services": ("protect services from abuse", "保护服务不被滥用"),
    "public-safety": ("prevent serious harm to the public", "防止对公众造成严重危害"),
    "research": ("research on misuse and defence", "研究滥用行为与防护"),
}
CLASSES = {
    "behaviour": ("behaviour of accounts, without identifiers", "不含标识的账号行为"),
    "technique": ("techniques and templates, described", "对手法与模板的描述"),
    "fingerprint": ("keyed fingerprints", "带密钥的指纹"),
    "token": ("blinded tokens of identifiers", "标识的盲化令牌"),
}
ACTIONS = {
    "watch": ("look for it in one's own traffic", "在自有流量中查找"),
    "review": ("put what is found before a person", "将检出内容交由人工研判"),
    "act": ("act on accounts, by local evidence and decision", "依据本地证据和决定处置账号"),
    "report": ("count it in public reports", "计入公开报告"),
}
ONWARD = {
    "none": ("nothing is passed on", "不得转交"),
    "counts": ("only counts are passed on", "仅可转交计数"),
}
QUORUMS = {
    "all": ("mirrors of all sides", "各方镜像方"),
    "parties": (
        "mirrors of the parties, in shadow until all sides are there",
        "仅当事成员的镜像方，各方齐备前为试运行",
    ),
}
"""Words in English and Chinese for every entry of a closed list."""

_BASED = {"fingerprint", "token"}

Title: TypeAlias = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]
Place: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
Basis: TypeAlias = Annotated[str, Meta(max_length=1000)]


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Terms between members, named as in the charter. `retention` in days; `nonce` makes each terms' hash its own."""

    parties: Annotated[list[Title], Meta(min_length=2, max_length=16)]
    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=14)]
    classes: Annotated[list[str], Meta(min_length=1)]
    purpose: str
    legal_basis: Basis
    transfer_basis: Basis
    jurisdictions: Annotated[list[Place], Meta(max_length=64)]
    actions: Annotated[list[str], Meta(min_length=1)]
    retention: Annotated[int, Meta(ge=1, le=720)]
    onward: str
    quorum: str
    expiry: Count
    nonce: Hash

    def encode(self) -> str:
        """Write the terms in their one spelling."""
        return msgspec.json.encode(self).decode()

    @property
    def hash(self) -> str:
        """Name the agreement: SHA-256 of its terms."""
        return sha256(self.encode().encode()).hexdigest()


_READER = msgspec.json.Decoder(Terms)


def parse_terms(text: str) -> Terms:
    """Read terms.

    Errors: FormatError, also for any other spelling than ours.
    """
    raw = text.encode(errors="replace")
    if len(raw) > VALUE_BYTES:
        raise FormatError(f"the terms have {len(raw)} bytes, at most {VALUE_BYTES} are read")
    terms: Terms = decode(_READER, raw, "agreement")
    check_terms(terms)
    if terms.encode() != text:
        raise FormatError("the terms are spelled in another way than ours")
    return terms


def make_terms(given: dict[str, Any]) -> Terms:
    """Make terms from plain values.

    Errors: FormatError.
    """
    try:
        terms = msgspec.convert(given, Terms)
    except msgspec.ValidationError as error:
        raise FormatError(f"the terms are not in their form: {error}", hint="see docs/coalition.md") from error
    check_terms(terms)
    return terms


def check_terms(terms: Terms) -> None:
    """Check what the form alone cannot say.

    Errors: FormatError names the term.
    """
    for name in ("parties", "kinds", "classes", "jurisdictions", "actions"):
        values = getattr(terms, name)
        if values != sorted(set(values)):
            raise FormatError(f"the terms' {name} are not sorted, or name one twice")
    closed = {"classes": CLASSES, "actions": ACTIONS}
    listed = [(name, set(getattr(terms, name)), known) for name, known in closed.items()]
    one = {"purpose": PURPOSES, "onward": ONWARD, "quorum": QUORUMS}
    for name, values, known in [*listed, *((n, {getattr(terms, n)}, k) for n, k in one.items())]:
        if not values <= known.keys():
            raise FormatError(f"the terms' {name} is not of the closed list", hint=f"use {', '.join(known)}")
    if _BASED & set(terms.classes) and not (terms.legal_basis and terms.transfer_basis and terms.jurisdictions):
        raise FormatError("fingerprints and tokens need a legal basis, a transfer basis and the jurisdictions")


def check_alarm(alarm: Alarm, terms: Terms, author: str, audience: Collection[str], time: int) -> None:
    """Check an alarm of an author to an audience against the terms that it names, at the time of its entry.

    Errors: PolicyError names the term that does not allow it; FormatError for a detail that is no object.
    """
    wrong = {
        "another agreement": alarm.agreement != terms.hash,
        "the author": author not in terms.parties,
        "the audience": not audience or not set(audience) <= set(terms.parties),
        "the kind": alarm.kind not in terms.kinds,
        "a data class": not set(check_detail(alarm.detail)) <= set(terms.classes),
        "the retention": alarm.expiry > time + terms.retention * 86_400,
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise PolicyError(f"the agreement does not allow the alarm: {name}", hint="see `tocsin agreement show`")


HEADS = {
    "parties": ("parties", "当事成员"),
    "kinds": ("kinds of misuse", "滥用类别"),
    "classes": ("what may be shared", "可共享内容"),
    "purpose": ("purpose", "用途"),
    "legal_basis": ("legal basis", "法律依据"),
    "transfer_basis": ("basis of transfer", "传输依据"),
    "jurisdictions": ("jurisdictions", "法域"),
    "actions": ("what may be done", "可采取的措施"),
    "retention": ("kept for, days", "保存期限（天）"),
    "onward": ("passing on", "转交"),
    "quorum": ("cosigned by", "见证签名来源"),
    "expiry": ("expires, POSIX seconds", "到期时间（POSIX 秒）"),
}
"""The name of every term, in English and Chinese."""

_CLOSED = {"classes": CLASSES, "purpose": PURPOSES, "actions": ACTIONS, "onward": ONWARD, "quorum": QUORUMS}


def in_words(terms: Terms, lang: str) -> list[tuple[str, str]]:
    """Write terms for people, in en or zh: name and meaning of each."""
    at, comma = (0, "; ") if lang == "en" else (1, "；")
    rows = []
    for name, heads in HEADS.items():
        value = getattr(terms, name)
        values = value if isinstance(value, list) else [value]
        known = _CLOSED.get(name)
        rows.append((heads[at], comma.join(known[one][at] if known else str(one) for one in values)))
    return rows
