"""People: who may decide, and how they prove who they are."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from tocsin.node.db.schema import PEOPLE, TOKENS
from tocsin.node.keys import Random


@dataclass(frozen=True)
class Person:
    """A person. `password` is an argon2 hash, `subject` what the identity provider calls them."""

    id: str
    name: str
    scopes: frozenset[str]
    password: str | None
    subject: str | None
    made: int
    disabled: int | None


def add(
    connection: Connection,
    name: str,
    scopes: Iterable[str],
    now: int,
    random: Random,
    *,
    password: str | None = None,
    subject: str | None = None,
) -> str:
    """Add a person; return the id. Errors: IntegrityError where the name or the subject is taken."""
    made = f"P-{random(8).hex()}"
    row = {"id": made, "name": name, "scopes": sorted(scopes), "made": now, "password": password, "subject": subject}
    connection.execute(insert(PEOPLE).values(row))
    return made


def everybody(connection: Connection) -> list[Person]:
    """List all people, those who were disabled too: what they did keeps their names."""
    return [_person(row) for row in connection.execute(select(PEOPLE).order_by(PEOPLE.c.name))]


def find(connection: Connection, **fits: str) -> Person | None:
    """Find who is enabled, by id, name or subject."""
    found = select(PEOPLE).where(PEOPLE.c.disabled.is_(None))
    for name, value in fits.items():
        found = found.where(PEOPLE.c[name] == value)
    row = connection.execute(found).one_or_none()
    return _person(row) if row else None


def disable(connection: Connection, person: str, now: int) -> bool:
    """Disable a person and all their tokens; tell whether there was one."""
    p = PEOPLE.c
    gone = connection.execute(update(PEOPLE).where(p.id == person, p.disabled.is_(None)).values(disabled=now)).rowcount
    own = (TOKENS.c.person == person) & TOKENS.c.revoked.is_(None)
    connection.execute(update(TOKENS).where(own).values(revoked=now))
    return gone == 1


def set_password(connection: Connection, person: str, password: str) -> None:
    """Change a password's hash."""
    connection.execute(update(PEOPLE).where(PEOPLE.c.id == person).values(password=password))


def _person(row: object) -> Person:
    r = row._mapping  # type: ignore[attr-defined]
    return Person(r["id"], r["name"], frozenset(r["scopes"]), r["password"], r["subject"], r["made"], r["disabled"])
