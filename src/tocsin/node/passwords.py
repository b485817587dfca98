"""Passwords: hashed with Argon2id, checked in the same time whether the name is known or not."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tocsin.forms import ConfigError
from tocsin.node.refusals import BusyError

LEAST, MOST = 12, 256  # code points
AT_ONCE = 2  # a hash takes 64 MiB
MOST_WAITING = 8  # of the threads that the whole API shares


def check_password(password: str) -> str:
    """Refuse a password that is too short or too long; give it in one normal form."""
    normal = unicodedata.normalize("NFC", password)
    if not LEAST <= len(normal) <= MOST:
        hint = "choose a longer one; a few words will do" if len(normal) < LEAST else "choose a shorter one"
        raise ConfigError(f"the password has {len(normal)} characters, not {LEAST} to {MOST}", hint=hint)
    return normal


@dataclass(frozen=True)
class Passwords:
    """Hash and check, at most two at once.

    Errors: every method that hashes raises BusyError where too many wait: the guesses of strangers may not take all
    threads.
    """

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _turns: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE))
    _places: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE + MOST_WAITING))
    _nobody: list[str] = field(default_factory=list)

    def hash(self, password: str) -> str:
        """Hash a password."""
        with self._turn():
            return self.hasher.hash(check_password(password))

    def is_right(self, hashed: str | None, password: str) -> bool:
        """Check a password; against nothing it is wrong, and that takes as long."""
        with self._turn():
            try:
                normal = unicodedata.normalize("NFC", password[:MOST])
                return self.hasher.verify(hashed or self._somebody(), normal) and hashed is not None
            except (VerificationError, InvalidHashError):
                return False

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError("too many passwords are being checked", hint="try again in a moment")
        try:
            with self._turns:
                yield
        finally:
            self._places.release()

    def is_outdated(self, hashed: str) -> bool:
        """Tell whether a hash was made with weaker settings than today's."""
        return self.hasher.check_needs_rehash(hashed)

    def _somebody(self) -> str:
        if not self._nobody:
            self._nobody.append(self.hasher.hash("the password of nobody at all"))
        return self._nobody[0]
