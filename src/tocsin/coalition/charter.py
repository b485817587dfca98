"""Charters: the coalition's root of trust, one version after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.coalition.envelope import Envelope, parse_envelope, seal_envelope
from tocsin.forms.errors import FormatError, VerificationError
from tocsin.forms.statements import Count, Hash, Name, decode
from tocsin.ledger import Group, LogLine, Policy, Signer, VerifierKey, WitnessLine, parse_key

CHARTER = "application/vnd.tocsin.charter+json"
NO_PARENT = "0" * 64
ALL_SIDES = "all/sides"
_RESERVED = "none"
_ED25519, _COSIGNER, _ML_DSA = 1, 4, 6

Title = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,39}\Z")]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a charter."""


class Member(_Part, frozen=True):
    """A member: its log and its keys. Keys are verifier keys; `box` is an X25519 key in hexadecimal digits."""

    name: Title
    origin: Name
    log: Name
    recovery: Name
    statement: Name
    mirror: Annotated[list[Annotated[str, Meta(max_length=2300)]], Meta(min_length=1, max_length=2)]
    box: Hash
    url: Annotated[str, Meta(max_length=255)] = ""
    mirror_url: Annotated[str, Meta(max_length=255)] = ""


class Side(_Part, frozen=True):
    """A side: `k` of its members must agree."""

    name: Title
    k: Count
    members: Annotated[list[Member], Meta(min_length=1, max_length=64)]


class End(_Part, frozen=True):
    """A log that is closed at a size, with its root there."""

    origin: Name
    size: Count
    root: Hash


class Constants(_Part, frozen=True):
    """What rules need numbers for; seconds, except `budget`: alarms an author and day.

    `remind`: so long before its deadline an inquiry that is open is brought to mind.
    """

    band: Count = 120
    round: Annotated[int, Meta(ge=1, le=2**31)] = 604_800
    fresh: Count = 86_400
    budget: Count = 100
    remind: Count = 172_800


class Text(_Part, frozen=True):
    """What a charter says."""

    version: Count
    parent: Hash
    start: Count = msgspec.field(name="from")
    sides: Annotated[list[Side], Meta(min_length=2, max_length=16)]
    standard: Hash
    constants: Constants
    expiry: Count
    ends: Annotated[list[End], Meta(max_length=256)]


_READER = msgspec.json.Decoder(Text)


@dataclass(frozen=True)
class Charter:
    """A signed charter. Its hash is over the whole file: what is valid never depends on what else was seen."""

    envelope: Envelope
    text: Text

    @cached_property
    def hash(self) -> str:
        """Name the charter: SHA-256 of its file."""
        return sha256(self.encode()).hexdigest()

    @cached_property
    def members(self) -> dict[str, Member]:
        """Give the members by the origin of their log."""
        return {member.origin: member for side in self.text.sides for member in side.members}

    @cached_property
    def policy(self) -> Policy:
        """Write the trust policy: of each side k mirrors, one a member, and all sides."""
        sides = self.text.sides
        lines = [line for side in sides for member in side.members for line in _mirror_lines(member)]
        inner = [Group(m.name, 1, tuple(line.name for line in _mirror_lines(m))) for m in self._twofold()]
        outer = [Group(f"side/{s.name}", s.k, tuple(m.name for m in s.members)) for s in sides]
        whole = Group(ALL_SIDES, len(sides), tuple(group.name for group in outer))
        logs = tuple(LogLine(parse_key(m.log), m.url or None) for m in self.members.values())
        return Policy(logs, tuple(lines), (*inner, *outer, whole), ALL_SIDES)

    def encode(self) -> bytes:
        """Write the file."""
        return self.envelope.encode()

    def round_of(self, time: int) -> int:
        """Number the round in which a time lies; with the default length, weeks that begin on Monday."""
        return (time - _MONDAY) // self.text.constants.round

    def round_end(self, number: int) -> int:
        """Tell the first second after a round."""
        return (number + 1) * self.text.constants.round + _MONDAY

    def _twofold(self) -> Iterator[Member]:
        return (member for member in self.members.values() if len(member.mirror) > 1)


_MONDAY = 345_600
"""1970-01-05."""


def parse_charter(raw: bytes) -> Charter:
    """Read a charter file; that it reads well says nothing of its signatures.

    Errors: FormatError, also where it is not well-formed in itself.
    """
    envelope = parse_envelope(raw, CHARTER)
    text = read_text(envelope.payload)
    return Charter(envelope, text)


def read_text(raw: bytes) -> Text:
    """Read what a charter says.

    Errors: FormatError.
    """
    text: Text = decode(_READER, raw, "charter")
    if write_text(text) != raw:
        raise FormatError("the charter is spelled in another way than ours")
    _check_text(text)
    return text


def write_text(text: Text) -> bytes:
    """Write what a charter says."""
    return msgspec.json.encode(text)


def sign_charter(text: Text, signers: Sequence[Signer], before: Sequence[tuple[str, bytes]] = ()) -> Charter:
    """Sign a charter by recovery keys, beside the signatures that it has."""
    fresh = seal_envelope(write_text(text), CHARTER, signers)
    both = tuple(sorted({**dict(before), **dict(fresh.signatures)}.items()))
    return Charter(Envelope(fresh.payload, CHARTER, both), text)


def check_founding(charter: Charter) -> None:
    """Check that a charter may begin a chain: version 0, no parent, no ends, signed by every member's recovery key.

    Errors: VerificationError.
    """
    text = charter.text
    if text.version or text.parent != NO_PARENT or text.ends:
        raise VerificationError("a first charter has version 0, no parent and ends no log")
    _check_consents(charter, charter.members.values())


def check_successor(charter: Charter, chain: Sequence[Charter]) -> None:
    """Check that a charter may follow the last of a chain (rule 10), whatever the votes say.

    Errors: VerificationError names the first thing that is not so.
    """
    parent = chain[-1]
    text, old = charter.text, parent.text
    if (text.version, text.parent) != (old.version + 1, parent.hash):
        raise VerificationError(f"version {text.version} does not name version {old.version} as its parent")
    if text.constants.round != old.constants.round or text.start < old.start:
        raise VerificationError("a charter cannot change the length of rounds, nor begin before its parent")
    _check_ends(charter, parent)
    changed = [m for m in charter.members.values() if _keys(m) != _keys(parent.members.get(m.origin))]
    used = {key for one in chain for m in one.members.values() for key in (m.origin, m.log)}
    for member in changed:
        before = parent.members.get(member.origin)
        if _lifelong(before) != _lifelong(member) and (before or {member.origin, member.log} & used):
            raise VerificationError(
                f"the log of {member.name!r} changes its member or a key, or comes back",
                hint="a log has its member, name and keys for life",
            )
    _check_consents(charter, changed)


def _check_ends(charter: Charter, parent: Charter) -> None:
    gone = parent.members.keys() - charter.members.keys()
    if {end.origin for end in charter.text.ends} != gone or len(charter.text.ends) != len(gone):
        raise VerificationError("the logs that a charter ends are not exactly those that it no longer names")


def _check_consents(charter: Charter, members: Iterable[Member]) -> None:
    for member in members:
        if not charter.envelope.signed_by(parse_key(member.recovery)):
            raise VerificationError(f"the recovery key of {member.name!r} has not signed the charter")


def _lifelong(member: Member | None) -> tuple[str, ...] | None:
    return (member.name, member.log, member.recovery, member.statement) if member else None


def _keys(member: Member | None) -> tuple[object, ...] | None:
    return (*(_lifelong(member) or ()), *member.mirror, member.box) if member else None


def _check_text(text: Text) -> None:
    members = [member for side in text.sides for member in side.members]
    for side in text.sides:
        if not len(side.members) < 2 * side.k <= 2 * len(side.members):
            raise FormatError(f"side {side.name!r} asks for {side.k} of {len(side.members)}", hint="more than half")
    names = [side.name for side in text.sides] + [member.name for member in members]
    keys = [parse_key(key).public for member in members for key in (member.log, member.recovery, member.statement)]
    mirrors = [key for member in members for key in _mirror_keys(member)]
    publics = [*keys, *(key.public for key in mirrors), *(bytes.fromhex(member.box) for member in members)]
    if _RESERVED in names or any(
        len(set(given)) != len(given) for given in (names, [m.origin for m in members], publics)
    ):
        raise FormatError("a name, an origin or a key stands twice in the charter, or a name is 'none'")
    for member in members:
        _check_member(member)


def _check_member(member: Member) -> None:
    kinds = [parse_key(key).kind for key in (member.log, member.recovery, member.statement)]
    if kinds != [_ED25519] * 3 or parse_key(member.log).name != member.origin:
        raise FormatError(f"a key of {member.name!r} is not Ed25519, or its log's is not named by the origin")
    if [key.kind for key in _mirror_keys(member)] not in ([_COSIGNER], [_COSIGNER, _ML_DSA], [_ML_DSA]):
        raise FormatError(f"the mirror of {member.name!r} has not one Ed25519 and at most one ML-DSA-44 key")


def _mirror_keys(member: Member) -> list[VerifierKey]:
    return [parse_key(key) for key in member.mirror]


def _mirror_lines(member: Member) -> list[WitnessLine]:
    keys, url = _mirror_keys(member), member.mirror_url or None
    if len(keys) == 1:
        return [WitnessLine(member.name, keys[0], url)]
    return [WitnessLine(f"{member.name}/{key.kind}", key, url) for key in keys]
