"""Let people and programs in, and out again; every change is entered in the audit trail."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from tocsin.forms import ConfigError, PolicyError
from tocsin.node.access import SCOPES, Caller, new_token
from tocsin.node.node import Node
from tocsin.node.passwords import Passwords, check_password
from tocsin.node.refusals import BusyError, ConflictError, NotFoundError, NoTokenError
from tocsin.node.stores import audit, people, tokens
from tocsin.node.stores.audit import Details, Entry, audit_key
from tocsin.node.stores.people import Person
from tocsin.node.stores.tokens import LOG_IN

_LETTERS = "0-9A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
NAME = f"^[{_LETTERS}][{_LETTERS}.@+_ -]{{0,99}}$"
SUBJECT = r"^[\x21-\x7e]+$"
_HOUR_US = 3_600_000_000
_WINDOW_US = 900_000_000
_MOST_NAMES = 10_000
OPERATOR = Caller("operator", "operator", frozenset(SCOPES))
"""Whoever has a shell where the node runs."""


@dataclass
class Door:
    """Make people and tokens, check passwords. Wrong tries are counted in this process."""

    node: Node
    passwords: Passwords = field(default_factory=Passwords)
    _wrong: dict[str, list[int]] = field(default_factory=dict)

    def add_person(
        self, by: Caller, name: str, scopes: Iterable[str], password: str | None = None, subject: str | None = None
    ) -> str:
        """Let a person in, with scopes that whoever lets them in has too; return their id.

        Errors: ConfigError, PolicyError, ConflictError.
        """
        given = check_given(by, scopes)
        if not re.fullmatch(NAME, name):
            raise ConfigError(
                "a person's name has 1 to 100 letters, digits and . @ + - _, a letter first", hint="choose another name"
            )
        if password is None and subject is None:
            raise ConfigError("a person needs a password, or a subject at the identity provider", hint="give one")
        hashed = self.passwords.hash(password) if password is not None else None
        n = self.node
        try:
            with n.database.writing() as connection:
                made = people.add(connection, name, given, n.now(), n.random, password=hashed, subject=subject)
                self._audit(connection, by, "person.add", made, {"name": name, "scopes": given})
        except IntegrityError as error:
            raise ConflictError("a person of this name or subject is there already") from error
        return made

    def remove_person(self, by: Caller, person: str) -> None:
        """Disable a person and all their tokens. Errors: NotFoundError."""
        with self.node.database.writing() as connection:
            if not people.disable(connection, person, self.node.now()):
                raise NotFoundError("no such person", hint="GET /v1/people lists them")
            self._audit(connection, by, "person.remove", person, {})

    def add_token(self, by: Caller, name: str, scopes: Iterable[str], days: int | None) -> tuple[str, str]:
        """Make a token with scopes that the caller has too, and for the same person; return its id and the token."""
        given = check_given(by, scopes)
        until = self.node.now() + days * 24 * _HOUR_US if days else None
        return self._new_token(by, name, given, by.person, until, "token.add")

    def revoke_token(self, by: Caller, token_id: str) -> None:
        """Revoke a token. Errors: NotFoundError."""
        with self.node.database.writing() as connection:
            if not tokens.revoke(connection, token_id, self.node.now()):
                raise NotFoundError("no such token, or not in force", hint="GET /v1/tokens lists them")
            self._audit(connection, by, "token.revoke", token_id, {})

    def log_in(self, name: str, password: str) -> tuple[str, str]:
        """Check a name and password; return the id of a token for a while, and the token.

        Errors: NoTokenError where either is wrong, BusyError after too many tries.
        """
        self._check_tries(name)
        with self.node.database.reading() as connection:
            person = people.find(connection, name=name)
        if not self.passwords.is_right(person.password if person else None, password) or person is None:
            self._wrong.setdefault(name, []).append(self.node.now())
            raise NoTokenError("the name or the password is wrong", hint="try again; an administrator can set another")
        self._wrong.pop(name, None)
        if person.password and self.passwords.is_outdated(person.password):
            self._store_password(person, password, OPERATOR)
        return self.let_in(person, "password")

    def let_in(self, person: Person, how: str) -> tuple[str, str]:
        """Give a person who has shown who they are a token for a while."""
        until = self.node.now() + self.node.config.access.session_hours * _HOUR_US
        by = Caller(person.id, person.name, person.scopes, person.id)
        return self._new_token(by, f"{LOG_IN} by {how}", sorted(person.scopes), person.id, until, "log_in")

    def change_password(self, by: Caller, old: str, new: str) -> None:
        """Change one's own password; every other log-in of that person ends.

        Errors: NoTokenError where the old one is wrong, ConfigError for a weak one.
        """
        with self.node.database.reading() as connection:
            person = people.find(connection, id=by.person) if by.person else None
        if person is None:
            raise PolicyError("this token is no person's", hint="log in with a name and a password")
        self._check_tries(person.name)
        if not self.passwords.is_right(person.password, old):
            self._wrong.setdefault(person.name, []).append(self.node.now())
            raise NoTokenError("the old password is wrong", hint="try again")
        self._store_password(person, check_password(new), by)
        with self.node.database.writing() as connection:
            tokens.revoke_log_ins(connection, person.id, self.node.now(), but=by.id)

    def first_broken(self, trail: Iterable[RowMapping]) -> int | None:
        """Find the first row of the audit trail that does not continue the one before."""
        return audit.first_broken(trail, audit_key(self.node.keys.sealer.key))

    def _store_password(self, person: Person, password: str, by: Caller) -> None:
        hashed = self.passwords.hash(password)
        with self.node.database.writing() as connection:
            people.set_password(connection, person.id, hashed)
            self._audit(connection, by, "person.password", person.id, {})

    def _check_tries(self, name: str) -> None:
        since = self.node.now() - _WINDOW_US
        if len(self._wrong) > _MOST_NAMES:  # names that were tried least go first: they cannot push others out
            by_tries = sorted(self._wrong, key=lambda known: len(self._wrong[known]))
            self._wrong = {known: self._wrong[known] for known in by_tries[_MOST_NAMES // 2 :]}
        recent = [at for at in self._wrong.get(name, ()) if at > since]
        if len(recent) >= self.node.config.access.login_tries:
            raise BusyError("too many wrong passwords for this name", hint="try again in a quarter of an hour")

    def _new_token(
        self, by: Caller, name: str, given: list[str], person: str | None, until: int | None, action: str
    ) -> tuple[str, str]:
        n, token = self.node, new_token(self.node.random)
        with n.database.writing() as connection:
            made = tokens.add(connection, token, name, given, n.now(), n.random, person=person, until=until)
            self._audit(connection, by, action, made, {"name": name, "scopes": given, "until": until})
        return made, token

    def _audit(self, connection: Connection, by: Caller, action: str, subject: str, details: Details) -> None:
        told = {"token": by.id, **{name: value for name, value in details.items() if value is not None}}
        key = audit_key(self.node.keys.sealer.key)
        audit.append(connection, key, Entry(by.actor, action, subject, told), self.node.now())


def check_given(by: Caller, scopes: Iterable[str]) -> list[str]:
    """Refuse scopes that do not exist, or that the caller lacks. Errors: ConfigError, PolicyError."""
    given = sorted(set(scopes))
    unknown = [scope for scope in given if scope not in SCOPES]
    if unknown or not given:
        raise ConfigError(f"{len(unknown)} unknown scopes of {len(given)}", hint=f"choose from {', '.join(SCOPES)}")
    lacking = [scope for scope in given if scope not in by.scopes]
    if lacking:
        raise PolicyError(f"you cannot give what you lack: {', '.join(lacking)}", hint="ask somebody who has it")
    return given
