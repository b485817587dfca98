"""The keys of a node: one hashes identifiers, one seals what is stored, one signs what is sent."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin.forms import ConfigError, TransportError, VerificationError

NAMES = ("identity", "traffic", "webhook")
KEY_BYTES = 32
_NONCE_BYTES = 12
_EVENT_BYTES = 16

Random = Callable[[int], bytes]


@dataclass(frozen=True)
class Sealer:
    """Seal bytes under a key with AES-256-GCM: a random nonce, then ciphertext and tag (NIST SP 800-38D)."""

    key: bytes = field(repr=False)
    random: Random = os.urandom

    def seal(self, plain: bytes, place: str) -> bytes:
        """Seal, bound to the place where it is kept."""
        nonce = self.random(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Open what was sealed for a place.

        Errors: VerificationError where it was altered, moved, or sealed under another key.
        """
        try:
            return AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError) as error:
            why = f"{place!r} was altered or sealed under another key"
            raise VerificationError(why, hint="restore the keys and the database of one backup") from error


@dataclass(frozen=True)
class Keys:
    """Hold the keys; `identity` is what `tocsin screen --id-key` reads from the same file."""

    identity: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)
    webhook: bytes = field(repr=False)

    def event_key(self, event_id: str) -> bytes:
        """Hash an event's id: what the database knows it by."""
        return blake2b(event_id.encode(), key=self.identity, digest_size=_EVENT_BYTES, person=b"event").digest()


def make_keys(folder: Path, random: Random) -> None:
    """Write new keys, in hexadecimal, which nobody else on the machine can read."""
    folder.mkdir(mode=0o700)
    for name in NAMES:
        path = folder / name
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(random(KEY_BYTES).hex() + "\n", encoding="ascii")


def read_keys(folder: Path) -> Keys:
    """Read the keys.

    Errors: TransportError where one cannot be read; ConfigError where one is no key.
    """
    identity, traffic, webhook = (_read(folder / name) for name in NAMES)
    return Keys(identity.hex().encode(), Sealer(traffic), webhook)


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii"))
    except OSError as error:
        why = f"the key {path.name!r} cannot be read: {error.strerror}"
        raise TransportError(why, hint="restore the folder keys/ from a backup") from error
    except ValueError as error:
        raise ConfigError(f"the key {path.name!r} is not hexadecimal", hint="restore it from a backup") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"the key {path.name!r} has {len(key)} bytes, not {KEY_BYTES}", hint="restore it")
    return key


def secret_lines(folder: Path, name: str, named_by: str) -> tuple[str, ...]:
    """Read a file of secrets that the settings name, one a line.

    Errors: TransportError where it cannot be read; ConfigError where it holds none.
    """
    try:
        lines = (folder / name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TransportError(f"the secret of {named_by} cannot be read", hint="check the path and its owner") from error
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise ConfigError(f"the secret of {named_by} is empty", hint="write it into the file, one a line")
    return found
