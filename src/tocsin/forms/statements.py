"""The registry of statement forms: what a member may sign and log, as in-toto Statements in one spelling each.

A shared statement is an in-toto Statement (github.com/in-toto/attestation, v1) whose subject is the coalition and whose
predicate is one of the forms below. Times are POSIX seconds, hashes 64 lower-case hexadecimal digits.
"""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from tocsin.forms.errors import FormatError

STATEMENT_BYTES = 65_535
PREDICATE = "https://tocsin.example/statement/{}/v1"
_TYPE = "https://in-toto.io/Statement/v1"
_SUBJECT = "coalition"

Hash: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Name: TypeAlias = Annotated[str, Meta(pattern=r"\A[!-~]{1,255}\Z")]
Words: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096)]
Blob: TypeAlias = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]+={0,2}\Z", max_length=65_535)]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field=None):
    """A predicate; `origin` names the log that it is for."""

    origin: Name


class Proposal(Form, frozen=True):
    """A charter to be voted on: the signed charter file, as Base64."""

    charter: Blob


class Vote(Form, frozen=True):
    """A vote for the charter `charter` as successor of `parent`, in a round."""

    parent: Hash
    round: Count
    charter: Hash


class Key(Form, frozen=True):
    """A new key from this index on: `use` is statement, or oprf:TYPE:EPOCH; `recovery` signs the statement too."""

    use: Annotated[str, Meta(pattern=r"\A(?:statement|oprf:[a-z0-9-]{1,40}:[0-9]{1,9})\Z")]
    key: Annotated[str, Meta(pattern=r"\A[!-~]{1,512}\Z")]


class Stamp(Form, frozen=True):
    """The log's own checkpoint with its cosignatures, under the charter of this version and hash."""

    version: Count
    charter: Hash
    note: Annotated[str, Meta(max_length=32_768)]


class Anchor(Form, frozen=True):
    """Another log's cosigned checkpoint, and the indexes addressed to me whose bodies I lack."""

    note: Annotated[str, Meta(max_length=32_768)]
    missing: Annotated[list[Count], Meta(max_length=1024)]


class Freeze(Form, frozen=True):
    """Stop the log `frozen`: the Base64 signature is by that member's recovery key, whoever logs it."""

    frozen: Name
    signature: Blob


class Notice(Form, frozen=True):
    """Tell all members of an action, so that nothing is misread: what, and until when it lasts."""

    subject: Words
    text: Words
    until: Count


class Inquiry(Form, frozen=True):
    """Ask a member, by its origin, about an action; it is overdue when not answered by the deadline."""

    to: Name
    text: Words
    deadline: Count


class Answer(Form, frozen=True):
    """Answer the inquiry that stands at an index of the asker's log."""

    asker: Name
    index: Count
    text: Words


class Report(Form, frozen=True):
    """A published report, by hash."""

    title: Words
    digest: Hash


class Study(Form, frozen=True):
    """A joint study's protocol or result, by hash."""

    title: Words
    digest: Hash


class Sealed(Form, frozen=True):
    """What only its addressees can open: digest of the body, day of expiry, 16 slots of 16 bytes; of one length."""

    digest: Hash
    expiry: Annotated[int, Meta(ge=10**9, lt=10**10)]
    slots: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]{342}==\Z")]


SHARED: dict[str, type[Form]] = {
    "proposal": Proposal,
    "vote": Vote,
    "key": Key,
    "stamp": Stamp,
    "anchor": Anchor,
    "freeze": Freeze,
    "notice": Notice,
    "inquiry": Inquiry,
    "answer": Answer,
    "report": Report,
    "study": Study,
}
"""Every form that the whole coalition reads, by its name."""

FORMS: dict[str, type[Form]] = {**SHARED, "sealed": Sealed}
_NAMES = {form: name for name, form in FORMS.items()}
_PREDICATES = {PREDICATE.format(name): form for name, form in FORMS.items()}
_READERS = {form: msgspec.json.Decoder(form) for form in FORMS.values()}


class _Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    digest: dict[str, Hash]


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type_: str = msgspec.field(name="_type")
    subject: list[_Subject]
    predicate_type: str = msgspec.field(name="predicateType")
    predicate: msgspec.Raw


_STATEMENTS = msgspec.json.Decoder(_Statement)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a coalition, named by the hash of its first charter."""

    coalition: str
    form: Form

    def encode(self) -> bytes:
        """Write the in-toto Statement."""
        subject = [_Subject(_SUBJECT, {"sha256": self.coalition})]
        predicate = msgspec.Raw(msgspec.json.encode(self.form))
        return msgspec.json.encode(_Statement(_TYPE, subject, PREDICATE.format(name_of(self.form)), predicate))


def name_of(form: Form) -> str:
    """Name a form as the registry does."""
    return _NAMES[type(form)]


def parse_statement(raw: bytes) -> Statement:
    """Read an in-toto Statement of at most 65,535 bytes.

    Errors: FormatError for an unknown form, a wrong value, and any other spelling than our own.
    """
    if len(raw) > STATEMENT_BYTES:
        raise FormatError(f"the statement has {len(raw)} bytes, at most {STATEMENT_BYTES} are read")
    found: _Statement = decode(_STATEMENTS, raw, "statement")
    form = _PREDICATES.get(found.predicate_type)
    if form is None:
        raise FormatError(f"no statement has the type {found.predicate_type[:80]!r}")
    digest = found.subject[0].digest.get("sha256", "") if found.subject else ""
    statement = Statement(digest, decode(_READERS[form], bytes(found.predicate), "predicate"))
    if statement.encode() != raw:
        raise FormatError("the statement is spelled in another way than ours")
    return statement


def decode(decoder: "msgspec.json.Decoder[Any]", raw: bytes, what: str) -> Any:
    """Decode JSON into a form.

    Errors: FormatError names the field, never its value.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError(f"the {what} is not in its form: {_where(error)}") from error


def _where(error: Exception) -> str:
    """Say at which field decoding ended; the words before it could quote what was read."""
    words = str(error)
    return words[words.rindex("`$") :] if "`$" in words else "no JSON of this shape"
