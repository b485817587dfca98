"""DSSE envelopes (github.com/secure-systems-lab/dsse, v1): bytes and the signatures on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tocsin.forms.errors import FormatError
from tocsin.forms.statements import STATEMENT_BYTES, decode
from tocsin.ledger import Signer, VerifierKey

IN_TOTO = "application/vnd.in-toto+json"
MOST_SIGNATURES = 64


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: bytes
    payload_type: str = msgspec.field(name="payloadType")
    signatures: list[_Signature] = []


_READER = msgspec.json.Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type, and signatures as (key id, signature), sorted: one spelling for each set of them."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[str, bytes], ...]

    def encode(self) -> bytes:
        """Write the envelope."""
        lines = [_Signature(keyid, sig) for keyid, sig in self.signatures]
        return msgspec.json.encode(_Envelope(self.payload, self.payload_type, lines))

    def signed_by(self, key: VerifierKey) -> bool:
        """Tell whether one of the signatures is by this Ed25519 key."""
        message = pae(self.payload_type, self.payload)
        return any(keyid == key.key_id.hex() and holds(key, sig, message) for keyid, sig in self.signatures)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Write what is signed: the pre-authentication encoding."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def seal_envelope(payload: bytes, payload_type: str, signers: Sequence[Signer]) -> Envelope:
    """Sign a payload with every key."""
    message = pae(payload_type, payload)
    signed = {signer.key.key_id.hex(): signer.private.sign(message) for signer in signers}
    return Envelope(payload, payload_type, tuple(sorted(signed.items())))


def parse_envelope(raw: bytes, payload_type: str) -> Envelope:
    """Read an envelope of one type; nothing is said of its signatures.

    Errors: FormatError, also for any other spelling than our own.
    """
    if len(raw) > STATEMENT_BYTES:
        raise FormatError(f"the envelope has {len(raw)} bytes, at most {STATEMENT_BYTES} are read")
    found: _Envelope = decode(_READER, raw, "envelope")
    envelope = Envelope(found.payload, found.payload_type, tuple((s.keyid, s.sig) for s in found.signatures))
    ids = [keyid for keyid, _ in envelope.signatures]
    if ids != sorted(set(ids)) or not 0 < len(ids) <= MOST_SIGNATURES:
        raise FormatError(f"the {len(ids)} signatures are none, too many or not sorted by key")
    if envelope.payload_type != payload_type or envelope.encode() != raw:
        raise FormatError(f"the envelope is not of type {payload_type!r}, or spelled in another way than ours")
    return envelope


def holds(key: VerifierKey, signature: bytes, message: bytes) -> bool:
    """Check one Ed25519 signature."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
