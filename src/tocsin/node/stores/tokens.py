"""Tokens: digests, never the tokens themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, insert, select, update
from sqlalchemy.engine import Connection

from tocsin.node.access import Caller, digest_of
from tocsin.node.db.schema import PEOPLE, TOKENS
from tocsin.node.keys import Random

LOG_IN = "log-in"
"""How names of tokens begin that a log-in gave."""
START = 12  # letters of a token that are kept, so that its owner knows it again


@dataclass(frozen=True)
class Known:
    """What is kept of a token. Times are microseconds."""

    id: str
    name: str
    start: str
    scopes: frozenset[str]
    person: str | None
    made: int
    until: int | None
    revoked: int | None


def add(
    connection: Connection,
    token: str,
    name: str,
    scopes: Iterable[str],
    now: int,
    random: Random,
    *,
    person: str | None = None,
    until: int | None = None,
) -> str:
    """Put a token in force; return its id."""
    made = f"T-{random(8).hex()}"
    row = {"id": made, "digest": digest_of(token), "name": name, "start": token[:START], "scopes": sorted(scopes)}
    connection.execute(insert(TOKENS).values(row | {"made": now, "person": person, "until": until}))
    return made


def find(connection: Connection, digest: bytes, now: int) -> Caller | None:
    """Find whose token has a digest, if it is in force; a person's token can do what the person may, and no more."""
    t, p = TOKENS.c, PEOPLE.c
    live = (t.digest == digest) & t.revoked.is_(None) & (t.until.is_(None) | (t.until > now))
    whose = TOKENS.outerjoin(PEOPLE, and_(t.person == p.id, p.disabled.is_(None)))
    found = select(t.id, t.name, t.scopes, t.person, p.name.label("known_as"), p.scopes.label("may"))
    row = connection.execute(found.select_from(whose).where(live)).one_or_none()
    if row is None or (row.person and row.may is None):
        return None
    scopes = frozenset(row.scopes)
    return Caller(row.id, row.known_as or row.name, scopes & frozenset(row.may) if row.person else scopes, row.person)


def every(connection: Connection) -> list[Known]:
    """List all tokens, the newest first."""
    t = TOKENS.c
    rows = connection.execute(
        select(t.id, t.name, t.start, t.scopes, t.person, t.made, t.until, t.revoked).order_by(t.made.desc(), t.id)
    )
    return [Known(r.id, r.name, r.start, frozenset(r.scopes), r.person, r.made, r.until, r.revoked) for r in rows]


def revoke_log_ins(connection: Connection, person: str, now: int, *, but: str) -> None:
    """Revoke the tokens by which a person is logged in, all but one."""
    t = TOKENS.c
    theirs = (t.person == person) & t.name.startswith(LOG_IN) & (t.id != but) & t.revoked.is_(None)
    connection.execute(update(TOKENS).where(theirs).values(revoked=now))


def revoke(connection: Connection, token_id: str, now: int) -> bool:
    """Revoke a token; tell whether it was in force."""
    t = TOKENS.c
    return (
        connection.execute(update(TOKENS).where(t.id == token_id, t.revoked.is_(None)).values(revoked=now)).rowcount
        == 1
    )
