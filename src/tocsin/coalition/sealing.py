"""Sealed entries: a digest of salted fields of which any one can be shown alone, and slots that only addressees know.

Digest = SHA-256(0x01 ‖ c1…c16), ci = SHA-256(0x00 ‖ salt ‖ name ‖ 0x00 ‖ value). Unused fields are random.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tocsin.forms.bodies import NAMED
from tocsin.forms.errors import ConfigError, FormatError, VerificationError
from tocsin.forms.statements import Sealed

FIELDS = 16
SLOTS = 16
SLOT_BYTES = 16
SALT_BYTES = 32
CLASSES = (30 * 86_400, 180 * 86_400, 720 * 86_400)
"""Expiry is rounded up to a day of one of these lengths from the day of writing, in seconds."""

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that can be shown alone: its place, salt, name and value."""

    place: int
    salt: bytes
    name: str
    value: str

    def commitment(self) -> bytes:
        """Hash the field."""
        return sha256(b"\0" + self.salt + self.name.encode() + b"\0" + self.value.encode()).digest()


@dataclass(frozen=True)
class Body:
    """What a sealed entry stands for: its fields, and the 16 commitments, those of unused places random."""

    fields: tuple[Field, ...]
    commitments: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """Give the digest that the entry carries."""
        return digest_of(self.commitments)

    def value(self, name: str) -> str:
        """Give a field's value; empty where it has none."""
        return next((field.value for field in self.fields if field.name == name), "")


def digest_of(commitments: Sequence[bytes]) -> str:
    """Hash 16 commitments into a digest.

    Errors: FormatError for any other number or length.
    """
    if [len(one) for one in commitments] != [32] * FIELDS:
        raise FormatError(f"a body has {len(commitments)} commitments, need {FIELDS} of 32 bytes")
    return sha256(b"\1" + b"".join(commitments)).hexdigest()


def write_body(values: Mapping[str, str], random: Random) -> Body:
    """Salt and commit fields; each gets a place at random, so that no place tells what stands there.

    Errors: ConfigError where there are too many, one that every body names is missing, or a name holds a zero byte.
    """
    if len(values) > FIELDS or not set(NAMED) <= values.keys() or any("\0" in name for name in values):
        raise ConfigError(f"a body of {len(values)} fields, need {', '.join(NAMED)} and at most {FIELDS}")
    places = sorted(range(FIELDS), key=lambda _: random(8))
    fields = tuple(Field(p, random(SALT_BYTES), n, v) for p, (n, v) in zip(places, values.items(), strict=False))
    commitments = [random(32) for _ in range(FIELDS)]
    for field in fields:
        commitments[field.place] = field.commitment()
    return Body(fields, tuple(commitments))


def check_body(body: Body, entry: Sealed, coalition: str, author: str) -> None:
    """Check that a body is the one of an entry in its author's log.

    Errors: VerificationError names what differs, never a value.
    """
    for field in body.fields:
        check_field(field, body.commitments, entry.digest)
    named = {"coalition": coalition, "author": author, "origin": entry.origin}
    for name, value in named.items():
        if body.value(name) != value:
            raise VerificationError(f"the body names another {name} than its entry's")
    names = [field.name for field in body.fields]
    if len(set(names)) != len(names) or not set(NAMED) <= set(names):
        raise VerificationError("the body lacks a field, or names one twice")


def check_field(field: Field, commitments: Sequence[bytes], digest: str) -> None:
    """Check one field that is shown alone against the digest of an entry.

    Errors: VerificationError; FormatError.
    """
    if digest_of(commitments) != digest:
        raise VerificationError("the commitments are not those of the entry")
    if not 0 <= field.place < FIELDS or len(field.salt) != SALT_BYTES or "\0" in field.name:
        raise VerificationError("the field has no place, salt or name that a body can hold")
    if not compare_digest(commitments[field.place], field.commitment()):
        raise VerificationError("the field is not the one that was committed")


def pair_key(
    own: X25519PrivateKey, other: str, coalition: str, author: str, addressee: str, use: str = "tocsin-slot/v1"
) -> bytes:
    """Derive the key of author and addressee, by their origins; both get the same from their own box key.

    Errors: VerificationError for a public key with which no secret can be shared.
    """
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(other)))
    except ValueError as error:
        raise VerificationError("the box key of the other member shares no secret") from error
    info = "\0".join((use, coalition, author, addressee)).encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(shared)


def seal(body: Body, origin: str, expiry: int, keys: Sequence[bytes], random: Random) -> Sealed:
    """Write the entry of a body for addressees, by their pair keys; slots stand in random order, unused ones random.

    Errors: ConfigError for more than 16 addressees.
    """
    if len(keys) > SLOTS:
        raise ConfigError(f"{len(keys)} addressees, an entry has {SLOTS} slots", hint="write two entries")
    used = [_slot(key, body.digest) for key in keys] + [random(SLOT_BYTES) for _ in range(SLOTS - len(keys))]
    mixed = sorted(used, key=lambda _: random(8))
    return Sealed(origin, body.digest, expiry, b64encode(b"".join(mixed)).decode())


def cover(origin: str, expiry: int, random: Random) -> Sealed:
    """Write an entry that stands for nothing and looks like every other."""
    return Sealed(origin, random(32).hex(), expiry, b64encode(random(SLOTS * SLOT_BYTES)).decode())


def is_for(entry: Sealed, key: bytes) -> bool:
    """Tell whether an entry is addressed to the holder of a pair key."""
    raw, own = b64decode(entry.slots), _slot(key, entry.digest)
    return any(compare_digest(raw[i : i + SLOT_BYTES], own) for i in range(0, len(raw), SLOT_BYTES))


def round_expiry(wanted: int, today: int) -> int:
    """Round an expiry up to one of three classes, POSIX seconds.

    Errors: ConfigError for one beyond the longest.
    """
    midnight = today - today % 86_400
    for length in CLASSES:
        if wanted <= midnight + length:
            return midnight + length
    raise ConfigError(f"the expiry lies {(wanted - today) // 86_400} days ahead, at most 720", hint="renew it later")


def _slot(key: bytes, digest: str) -> bytes:
    return hmac_digest(key, bytes.fromhex(digest), "sha256")[:SLOT_BYTES]
