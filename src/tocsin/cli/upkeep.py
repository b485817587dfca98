"""What the owner of a node does now and then: `tocsin node backup`, `restore`, `migrate`, `hold`, …, and `forget`."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import counting, put_json, put_rows, say

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the node.")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, as the traffic names it.")]
Hashed = Annotated[bool, typer.Option("--hashed", help="ACCOUNT is the keyed hash that cases show.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def backup(
    folder: Folder, file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write; it holds the keys.")]
) -> None:
    """Write a backup of one moment of a node, which may be serving: settings, keys and database in one file.

    Example: tocsin node backup node node-2026-11-23.tocsin
    """
    from tocsin.node import back_up

    with counting("backing up", "rows") as tell:
        manifest = back_up(folder, file, _adding(tell), time.time)
    say(f"{sum(manifest.rows.values()):,} rows; the file holds the node's keys: keep it as safe as them")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the node, new or empty.")],
    db: Annotated[
        str | None, typer.Option(help="Database to restore into, empty: '' is SQLite; where it was when left out.")
    ] = None,
) -> None:
    """Make a node from a backup, also one of an older version, or into the other kind of database.

    Example: tocsin node restore node-2026-11-23.tocsin node
    """
    from tocsin.node import restore

    with counting("restoring", "rows") as tell:
        manifest = restore(file, folder, db, _adding(tell))
    say(f"{sum(manifest.rows.values()):,} rows of {manifest.made}; start the node with: tocsin serve {folder}")


def migrate(folder: Folder) -> None:
    """Bring the tables of a node up to date after an upgrade; stop it first, on all machines.

    Example: tocsin node migrate node
    """
    from tocsin.node import migrate_node

    before, after = migrate_node(folder)
    say("the tables are up to date" if before == after else f"the tables went from {before} to {after}")


def again(folder: Folder) -> None:
    """Let events that were set aside because they could not be screened wait again.

    Example: tocsin node again node
    """
    from tocsin.node import take_up_again

    say(f"{take_up_again(folder)} events wait again")


def hold(
    account: Account,
    folder: Folder,
    reason: Annotated[str, typer.Option(help="Why: a file number, say; it is shown to whoever asks to forget.")] = "",
    by: Annotated[str, typer.Option(help="Who orders it.")] = "",
    until: Annotated[str | None, typer.Option(help="Date on which it ends, as 2027-12-31; never if left out.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the hold of this account.")] = False,
    hashed: Hashed = False,
) -> None:
    """Put an account under legal hold: nothing of it goes, whatever the retention says or somebody asks.

    Example: tocsin node hold acct-17 node --reason "file 4 of 2026" --by "legal department"
    """
    from tocsin.forms import ConfigError
    from tocsin.node import end_hold, hold_account

    if end:
        say("the hold has ended" if end_hold(folder, account, hashed=hashed) else "there was no hold on it")
        return
    if not (reason and by):
        raise ConfigError("a hold needs a reason and who orders it", hint="add --reason and --by")
    hold_account(folder, account, reason, by, until, hashed=hashed)
    say("held; retention and `tocsin forget` leave it alone")


def holds(folder: Folder, as_json: Json = False) -> None:
    """List the legal holds in force; accounts are keyed hashes.

    Example: tocsin node holds node
    """
    from tocsin.node import list_holds

    head = ("account", "since", "until", "by", "reason")
    rows = [(one.account, _day(one.since), _day(one.until), one.who, one.reason) for one in list_holds(folder)]
    if as_json:
        put_json([dict(zip(head, row, strict=True)) for row in rows])
        return
    put_rows(head, [[cell or "-" for cell in row] for row in rows])


def forget(account: Account, folder: Folder, hashed: Hashed = False, as_json: Json = False) -> None:
    """Forget an account: its texts, findings, counts, sketches and cases; the node may be serving.

    Example: tocsin forget acct-17 node
    """
    from tocsin.node import forget_account

    done = forget_account(folder, account, hashed=hashed)
    if as_json:
        put_json({"parcels": done.parcels, "parts": done.parts, "cases": list(done.cases)})
        return
    say(
        f"taken out of {done.parcels} parcels of texts and {done.parts} parts of findings; {len(done.cases)} cases gone"
    )
    say("backups made before still hold it, and so does what was sent to others: docs/node.md")


def register(app: typer.Typer) -> None:
    """Put the commands into `tocsin node`."""
    commands: dict[str, Callable[..., Any]] = {
        "backup": backup, "restore": restore, "migrate": migrate, "again": again, "hold": hold, "holds": holds,
    }  # fmt: skip
    for name, command in commands.items():
        app.command(name)(command)


def _adding(tell: Callable[[int], None]) -> Callable[[int], None]:
    total = 0

    def add(more: int) -> None:
        nonlocal total
        total += more
        tell(total)

    return add


def _day(micros: int | None) -> str | None:
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).date().isoformat()
