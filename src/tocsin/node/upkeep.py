"""What the owner of a node does now and then: bring tables up to date, take up again, hold, forget."""

from datetime import UTC, datetime
from pathlib import Path

from tocsin.forms import ConfigError
from tocsin.node.config import read_config
from tocsin.node.db import migrate, open_database, revision_of
from tocsin.node.forgetting import Forgotten, forget, note
from tocsin.node.home import Home, held
from tocsin.node.node import open_node
from tocsin.node.stores import events, holds
from tocsin.node.stores.holds import Hold
from tocsin.traffic import hash_identifier

_MICROS = 1_000_000


def migrate_node(folder: Path) -> tuple[str | None, str | None]:
    """Bring the tables of a node that is not served up to date; return their revisions before and after.

    Errors: PolicyError while it is served; ConfigError where the tables are those of a newer version.
    """
    home = Home(folder)
    url = home.database_url(read_config(home.settings))
    with held(folder):
        database = open_database(url)
        try:
            before = revision_of(database)
            migrate(database)
            return before, revision_of(database)
        finally:
            database.close()


def take_up_again(folder: Path) -> int:
    """Let events that were set aside be screened again; return how many."""
    node = open_node(folder)
    try:
        with node.database.writing() as connection:
            return events.take_up_again(connection)
    finally:
        node.close()


def forget_account(folder: Path, account: str, *, hashed: bool) -> Forgotten:
    """Forget an account, named as the traffic names it, or by its keyed hash.

    Errors: PolicyError where it is under legal hold.
    """
    node = open_node(folder)
    try:
        return forget(node, _hash(account, node.keys.identity, hashed=hashed))
    finally:
        node.close()


def hold_account(folder: Path, account: str, reason: str, who: str, until: str | None, *, hashed: bool) -> None:
    """Put an account under legal hold; `until` is a date, and None means until it is ended."""
    node = open_node(folder)
    try:
        digest = _hash(account, node.keys.identity, hashed=hashed)
        with node.database.writing() as connection:
            holds.put(connection, Hold(digest, node.now(), _end(until), who, reason))
            note(node, connection, "account.hold", digest, {"by": who, "until": until})
    finally:
        node.close()


def end_hold(folder: Path, account: str, *, hashed: bool) -> bool:
    """End a hold; tell whether there was one."""
    node = open_node(folder)
    try:
        digest = _hash(account, node.keys.identity, hashed=hashed)
        with node.database.writing() as connection:
            ended = holds.end(connection, digest)
            note(node, connection, "account.hold.end", digest, {"ended": ended})
        return ended
    finally:
        node.close()


def list_holds(folder: Path) -> list[Hold]:
    """List the holds in force."""
    node = open_node(folder)
    try:
        with node.database.reading() as connection:
            return holds.in_force(connection, node.now())
    finally:
        node.close()


def _hash(account: str, key: bytes, *, hashed: bool) -> str:
    return account if hashed else hash_identifier(account, key)


def _end(until: str | None) -> int | None:
    if until is None:
        return None
    try:
        return int(datetime.strptime(until, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * _MICROS
    except ValueError as error:
        raise ConfigError("the end of the hold is no date", hint="write it as 2027-12-31") from error
