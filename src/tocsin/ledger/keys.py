"""Verifier keys and signers: Ed25519 notes (0x01), Ed25519 cosignatures (0x04), ML-DSA-44 cosignatures (0x06).

Sources: c2sp.org/signed-note for the first and the encoding, c2sp.org/tlog-cosignature for the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from tocsin.forms.errors import ConfigError, FormatError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.note import Note, Signature, is_key_name
from tocsin.ledger.strict import MOST, read_base64, write_base64

ED25519 = 0x01
COSIGNER = 0x04
ML_DSA = 0x06
PUBLIC_BYTES = {ED25519: 32, COSIGNER: 32, ML_DSA: 1312}
SEED_BYTES = 32
_TIME_BYTES = 8
_NAME_BYTES = 255


@dataclass(frozen=True)
class VerifierKey:
    """A public key, the name that it signs under and the type of its signatures."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Name the key in signature lines: 4 bytes."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def encode(self) -> str:
        """Write the verifier key on one line."""
        return f"{self.name}+{self.key_id.hex()}+{write_base64(bytes([self.kind]) + self.public)}"


@dataclass(frozen=True)
class Verified:
    """A signature that holds, and when it was made: POSIX seconds; None where the type or the signer says nothing."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True)
class Signer:
    """A private key and its public side."""

    key: VerifierKey
    private: Ed25519PrivateKey | MLDSA44PrivateKey

    def sign(self, text: str, time: int) -> Signature:
        """Sign a note's text; a cosignature says `time`, POSIX seconds.

        Errors: FormatError where an ML-DSA-44 key is to sign what is not a checkpoint.
        """
        signature = self.private.sign(_message(self.key, text, time))
        stamp = b"" if self.key.kind == ED25519 else time.to_bytes(_TIME_BYTES, "big")
        return Signature(self.key.name, self.key.key_id, stamp + signature)

    def seed(self) -> bytes:
        """Give the 32 bytes that the key is made from."""
        return self.private.private_bytes_raw()


def parse_key(text: str) -> VerifierKey:
    """Read a verifier key of one of the three types.

    Errors: FormatError.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not is_key_name(name):
        raise FormatError("the verifier key has no name that signature lines can carry")
    raw = read_base64(encoded, "verifier key")
    key = VerifierKey(name, raw[0] if raw else 0, raw[1:])
    if PUBLIC_BYTES.get(key.kind) != len(key.public):
        raise FormatError(f"the verifier key has type {key.kind} and {len(key.public)} bytes, which is none known")
    if key_id != key.key_id.hex():
        raise FormatError(f"the verifier key says id {key_id[:8]!r}, its own is {key.key_id.hex()!r}")
    return key


def signer_from_seed(name: str, kind: int, seed: bytes) -> Signer:
    """Make a signer from 32 random bytes.

    Errors: ConfigError for a name that signature lines cannot carry.
    """
    if not is_key_name(name) or len(name.encode()) > _NAME_BYTES:
        raise ConfigError(f"{name[:40]!r} cannot name a key", hint="no space, no plus, at most 255 bytes")
    make = MLDSA44PrivateKey.from_seed_bytes if kind == ML_DSA else Ed25519PrivateKey.from_private_bytes
    private: Ed25519PrivateKey | MLDSA44PrivateKey = make(seed)
    return Signer(VerifierKey(name, kind, private.public_key().public_bytes_raw()), private)


def sign_text(text: str, signers: Sequence[Signer], time: int) -> Note:
    """Make a note of a text, signed by all."""
    return Note(text, tuple(signer.sign(text, time) for signer in signers))


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """Check every signature by a known key; those of unknown keys are passed over.

    Errors: VerificationError where one fails, or none is by a known key; ConfigError for two keys of one name and id.
    """
    found = verify_known(note, keys)
    if not found:
        raise VerificationError("the note carries no signature of a known key")
    return found


def verify_known(note: Note, keys: Iterable[VerifierKey]) -> tuple[Verified, ...]:
    """Check as `verify_note` does, but accept a note on which no known key has signed."""
    known = _by_line(keys)
    lines = dict.fromkeys(note.signatures)
    return tuple(_check(known[s.name, s.key_id], note.text, s) for s in lines if (s.name, s.key_id) in known)


def _by_line(keys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise ConfigError(f"two keys share the name {key.name!r} and the id {key.key_id.hex()}")
    return known


def _check(key: VerifierKey, text: str, line: Signature) -> Verified:
    stamp, signature = _split(key, line.signature)
    time = int.from_bytes(stamp, "big")
    if time > MOST or not _holds(key, signature, _message(key, text, time)):
        raise VerificationError(f"the signature of {key.name!r} ({key.key_id.hex()}) does not hold")
    return Verified(key, time or None)


def _split(key: VerifierKey, signature: bytes) -> tuple[bytes, bytes]:
    cut = 0 if key.kind == ED25519 else _TIME_BYTES
    return signature[:cut], signature[cut:]


def _holds(key: VerifierKey, signature: bytes, message: bytes) -> bool:
    public = MLDSA44PublicKey if key.kind == ML_DSA else Ed25519PublicKey
    try:
        public.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _message(key: VerifierKey, text: str, time: int) -> bytes:
    """Write what a key of this type signs for a note's text."""
    if key.kind == ED25519:
        return text.encode()
    if key.kind == COSIGNER:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    return subtree_message(key.name, time, parse_checkpoint(text))


def subtree_message(name: str, time: int, tree: Checkpoint, start: int = 0) -> bytes:
    """Write the `cosigned_message` of ML-DSA-44 cosignatures for the leaves from `start` to the tree's size.

    Errors: FormatError for a name or origin that does not fit into it.
    """
    who, origin = name.encode(), tree.origin.encode()
    if max(len(who), len(origin)) > _NAME_BYTES:
        raise FormatError(f"an ML-DSA-44 cosignature has room for names of {_NAME_BYTES} bytes")
    named = bytes([len(who)]) + who + time.to_bytes(8, "big") + bytes([len(origin)]) + origin
    return b"subtree/v1\n\0" + named + start.to_bytes(8, "big") + tree.size.to_bytes(8, "big") + tree.root
