"""Sealed bodies as files, and as what a member says in them.

A body's file holds all that is needed to open its entry; without it, and without its salts, the entry says nothing.
A delivery is such a file under a key that only author and addressee can derive.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from msgspec import Meta

from tocsin.coalition.charter import Member
from tocsin.coalition.sealing import FIELDS, SLOTS, Body, Field, Random, pair_key, write_body
from tocsin.forms.bodies import NAMED, BodyForm, form_of, type_of, values_of
from tocsin.forms.errors import ConfigError, FormatError, VerificationError
from tocsin.forms.statements import Hash, Name, decode

BODY_BYTES = 256 * 1024
_BODY = "tocsin-body/v1"
_DELIVERY = "tocsin-delivery/v1"
_NONCE_BYTES = 12


class _FieldLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    place: Annotated[int, Meta(ge=0, lt=FIELDS)]
    salt: Hash
    name: str
    value: str


class _BodyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: str
    commitments: Annotated[list[Hash], Meta(min_length=FIELDS, max_length=FIELDS)]
    fields: Annotated[list[_FieldLine], Meta(max_length=FIELDS)]


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A body on its way from its author to one addressee: their logs, the digest of the entry, the sealed file."""

    form: str
    coalition: Hash
    origin: Name
    to: Name
    digest: Hash
    sealed: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]+={0,2}\Z", max_length=2 * BODY_BYTES)]

    def encode(self) -> bytes:
        """Write the delivery."""
        return msgspec.json.encode(self)


_BODIES = msgspec.json.Decoder(_BodyFile)
_DELIVERIES = msgspec.json.Decoder(Delivery)


@dataclass(frozen=True)
class Said:
    """What a body says: who to whom, in which log, what."""

    author: str
    origin: str
    audience: tuple[str, ...]
    form: BodyForm


def say_sealed(form: BodyForm, coalition: str, author: Member, audience: Collection[str], random: Random) -> Body:
    """Write a body for an audience, by the names of its members.

    Errors: ConfigError for an audience of none, of more than 16, or of the author.
    """
    if not 0 < len(set(audience)) <= SLOTS or author.name in audience:
        raise ConfigError(f"an audience of {len(audience)}, need 1 to {SLOTS} others", hint="name them with --to")
    named = {
        "type": type_of(form),
        "coalition": coalition,
        "author": author.name,
        "origin": author.origin,
        "nonce": random(16).hex(),
        "audience": " ".join(sorted(set(audience))),
    }
    return write_body({**named, **values_of(form)}, random)


def hear_said(body: Body) -> Said:
    """Read what a body says; whether it is an entry's, `check_body` tells.

    Errors: FormatError.
    """
    values = {field.name: field.value for field in body.fields}
    own = {name: value for name, value in values.items() if name not in NAMED}
    audience = tuple(values.get("audience", "").split(" "))
    if len(audience) > SLOTS or list(audience) != sorted(set(audience)) or not all(audience):
        raise FormatError("the audience of a body is not names, sorted, each once")
    return Said(values.get("author", ""), values.get("origin", ""), audience, form_of(values.get("type", ""), own))


def encode_body(body: Body) -> bytes:
    """Write the file of a body."""
    lines = [_FieldLine(f.place, f.salt.hex(), f.name, f.value) for f in body.fields]
    return msgspec.json.encode(_BodyFile(_BODY, [one.hex() for one in body.commitments], lines))


def parse_body(raw: bytes) -> Body:
    """Read the file of a body; whose it is and what it says is not checked.

    Errors: FormatError.
    """
    if len(raw) > BODY_BYTES:
        raise FormatError(f"the body has {len(raw)} bytes, at most {BODY_BYTES} are read")
    found: _BodyFile = decode(_BODIES, raw, "body")
    fields = tuple(Field(f.place, bytes.fromhex(f.salt), f.name, f.value) for f in found.fields)
    body = Body(fields, tuple(bytes.fromhex(one) for one in found.commitments))
    if found.form != _BODY or encode_body(body) != raw:
        raise FormatError("the body is spelled in another way than ours")
    return body


def deliver(body: Body, own: X25519PrivateKey, addressee: Member, coalition: str) -> Delivery:
    """Seal a body for one addressee, by the author's box key. The same body always gives the same bytes."""
    origin, digest = body.value("origin"), body.digest
    bare = Delivery(_DELIVERY, coalition, origin, addressee.origin, digest, "AAAA")
    key = pair_key(own, addressee.box, coalition, origin, addressee.origin, _DELIVERY)
    nonce = bytes.fromhex(digest)[:_NONCE_BYTES]  # a digest seals one body only
    sealed = ChaCha20Poly1305(key).encrypt(nonce, encode_body(body), bare.encode())
    return msgspec.structs.replace(bare, sealed=b64encode(sealed).decode())


def parse_delivery(raw: bytes) -> Delivery:
    """Read a delivery.

    Errors: FormatError.
    """
    if len(raw) > 2 * BODY_BYTES:
        raise FormatError(f"the delivery has {len(raw)} bytes, at most {2 * BODY_BYTES} are read")
    found: Delivery = decode(_DELIVERIES, raw, "delivery")
    if found.form != _DELIVERY or found.encode() != raw:
        raise FormatError("the delivery is of another form, or spelled in another way than ours")
    return found


def receive(delivery: Delivery, own: X25519PrivateKey, author: Member) -> Body:
    """Open a delivery with the addressee's box key.

    Errors: VerificationError where it is not for this key, or not from this author; FormatError.
    """
    key = pair_key(own, author.box, delivery.coalition, author.origin, delivery.to, _DELIVERY)
    bare = msgspec.structs.replace(delivery, sealed="AAAA")
    nonce = bytes.fromhex(delivery.digest)[:_NONCE_BYTES]
    try:
        raw = ChaCha20Poly1305(key).decrypt(nonce, b64decode(delivery.sealed), bare.encode())
    except (InvalidTag, ValueError):
        raise VerificationError(
            "the delivery does not open: it is for another key, or from another author", hint="give your own box key"
        ) from None
    body = parse_body(raw)
    if body.digest != delivery.digest:
        raise VerificationError("the delivery holds another body than it says")
    return body
