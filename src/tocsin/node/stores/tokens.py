"""Tokens: digests, never the tokens themselves."""

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from tocsin.node.access import Caller, digest_of
from tocsin.node.db.schema import TOKENS
from tocsin.node.keys import Random


def add(connection: Connection, token: str, name: str, scopes: Iterable[str], now: int, random: Random) -> str:
    """Put a token in force; return its id."""
    made = f"T-{random(8).hex()}"
    row = {"id": made, "digest": digest_of(token), "name": name, "scopes": list(scopes), "made": now}
    connection.execute(insert(TOKENS).values(row))
    return made


def find(connection: Connection, digest: bytes, now: int) -> Caller | None:
    """Find whose token has a digest, if it is in force."""
    t = TOKENS.c
    live = (t.digest == digest) & t.revoked.is_(None) & (t.until.is_(None) | (t.until > now))
    row = connection.execute(select(t.id, t.name, t.scopes).where(live)).one_or_none()
    return Caller(row.id, row.name, frozenset(row.scopes)) if row else None
