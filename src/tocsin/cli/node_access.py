"""`tocsin node person`, `token`, `audit`, `secret`: who may do what at a node, and what they did."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.rim import put_json, put_rows, say
from tocsin.forms.errors import VerificationError

if TYPE_CHECKING:
    from tocsin.node import Door

people = typer.Typer(
    help="Let people in and out; each decides in their own name.\n\nExample: tocsin node person list node",
    no_args_is_help=True,
    rich_markup_mode=None,
)
tokens = typer.Typer(
    help="Make and revoke tokens for programs.\n\nExample: tocsin node token list node",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the node.")]
Scopes = Annotated[
    str, typer.Option(help="What they may do, with commas: check, ingest, read, content, decide, admin, metrics.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@contextmanager
def _door(folder: Path) -> Iterator["Door"]:
    from tocsin.node import Door, open_node

    node = open_node(folder)
    try:
        yield Door(node)
    finally:
        node.close()


def _split(scopes: str) -> list[str]:
    return [scope.strip() for scope in scopes.split(",") if scope.strip()]


@people.command("add")
def add_person(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Name by which the person logs in.")],
    scopes: Scopes = "read,content,decide",
    subject: Annotated[
        str | None, typer.Option(help="What the identity provider calls them; no password is asked for then.")
    ] = None,
) -> None:
    """Let a person in; the password is asked for, or read from stdin. Their id goes to stdout.

    Example: tocsin node person add node "Chen Li" --scopes read,content,decide
    """
    from tocsin.node import OPERATOR

    password = None if subject else _ask_password()
    with _door(folder) as door:
        typer.echo(door.add_person(OPERATOR, name, _split(scopes), password, subject))


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@people.command("list")
def list_people(folder: Folder, as_json: AsJson = False) -> None:
    """List people, those who were removed too.

    Example: tocsin node person list node
    """
    from tocsin.node import everybody

    with _door(folder) as door, door.node.database.reading() as connection:
        found = everybody(connection)
    rows = [(one.id, one.name, ",".join(sorted(one.scopes)), _time(one.made), _time(one.disabled)) for one in found]
    _put(("id", "name", "scopes", "made", "removed"), rows, as_json)


@people.command("remove")
def remove_person(
    folder: Folder, person: Annotated[str, typer.Argument(metavar="ID", help="Id of the person.")]
) -> None:
    """Remove a person: their log-ins and tokens end, what they did stays.

    Example: tocsin node person remove node P-0123456789abcdef
    """
    from tocsin.node import OPERATOR

    with _door(folder) as door:
        door.remove_person(OPERATOR, person)
    say("removed; a running node takes it up within two seconds")


@tokens.command("new")
def new_token(
    folder: Folder,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scopes: Scopes,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days after which it ends; never if left out.")
    ] = None,
) -> None:
    """Make a token for a program; it goes to stdout, this once.

    Example: tocsin node token new node --name gateway --scopes check,ingest --days 90
    """
    from tocsin.node import OPERATOR

    with _door(folder) as door:
        _, token = door.add_token(OPERATOR, name, _split(scopes), days)
    typer.echo(token)


@tokens.command("list")
def list_tokens(folder: Folder, as_json: AsJson = False) -> None:
    """List tokens by how they begin; nothing more of them is kept.

    Example: tocsin node token list node
    """
    from tocsin.node import every_token

    with _door(folder) as door, door.node.database.reading() as connection:
        found = every_token(connection)
    rows = [
        (t.id, t.start, t.name, ",".join(sorted(t.scopes)), t.person or "", *map(_time, (t.made, t.until, t.revoked)))
        for t in found
    ]
    _put(("id", "start", "name", "scopes", "person", "made", "until", "revoked"), rows, as_json)


@tokens.command("revoke")
def revoke_token(folder: Folder, token: Annotated[str, typer.Argument(metavar="ID", help="Id of the token.")]) -> None:
    """Revoke a token.

    Example: tocsin node token revoke node T-0123456789abcdef
    """
    from tocsin.node import OPERATOR

    with _door(folder) as door:
        door.revoke_token(OPERATOR, token)
    say("revoked; a running node takes it up within two seconds")


def audit(folder: Folder, as_json: AsJson = False) -> None:
    """Print the audit trail, and check that no row was changed, moved or taken out.

    Example: tocsin node audit node
    """
    from tocsin.node import audit_rows

    with _door(folder) as door, door.node.database.reading() as connection:
        found = list(audit_rows(connection))
        broken = door.first_broken(found)
    rows = [(r["id"], _time(r["time"]), r["who"], r["action"], r["subject"], _flat(r["details"])) for r in found]
    _put(("row", "time", "who", "action", "subject", "details"), rows, as_json)
    if broken is not None:
        raise VerificationError(f"row {broken} does not continue the one before", hint="compare with a backup")
    say(f"{len(found)} rows, all in their chain; head {found[-1]['chain'].hex() if found else 'none'}")


def secret(folder: Folder) -> None:
    """Print the secret with which receivers of webhooks check signatures.

    Example: tocsin node secret node
    """
    from tocsin.node import write_secret

    with _door(folder) as door:
        typer.echo(write_secret(door.node.keys.webhook))


def _flat(details: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(details.items()))


def _time(micros: int | None) -> str:
    return "" if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).isoformat(timespec="seconds")


def _put(head: tuple[str, ...], rows: Sequence[tuple[object, ...]], as_json: bool) -> None:
    if as_json:
        put_json([dict(zip(head, row, strict=True)) for row in rows])
    else:
        put_rows(head, rows)
