"""`tocsin key`: keys of logs, witnesses and mirrors."""

import os
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.rim import put_json, say
from tocsin.forms.errors import ConfigError

app = typer.Typer(
    help="Make keys and show their public side.\n\nExample: tocsin key new --name example.org/log -o log.key",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_BOX = "box"
PASSPHRASE = "TOCSIN_PASSPHRASE"
Passphrase = Annotated[
    bool, typer.Option("--passphrase", help=f"Seal the key: asks, or takes it from {PASSPHRASE} where that is set.")
]


@app.command("new")
def new(
    name: Annotated[str, typer.Option(help="Name of the key, best a URL without scheme; a log's origin for a log.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File for the key, readable only by you.")],
    kind: Annotated[str, typer.Option("--type", help="log, statement, recovery, witness, mirror or box.")] = "log",
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="Add an ML-DSA-44 key that signs beside Ed25519.")] = False,
    passphrase: Passphrase = False,
) -> None:
    """Make a key; its verifier key goes to stdout.

    Example: tocsin key new --name example.org/log -o log.key
    """
    from tocsin.ledger import KINDS, new_key, seal_keys, write_key  # kept out of `tocsin --help`

    if kind == _BOX:
        _new_box(out)
        return
    if kind not in KINDS:
        raise ConfigError(f"no type of key is named {kind!r}", hint=f"use {', '.join((*KINDS, _BOX))}")
    signers = new_key(name, os.urandom, KINDS[kind], ml_dsa=ml_dsa)
    file = seal_keys(signers, os.urandom, _ask(confirm=True) if passphrase else b"")
    write_key(out, file)
    for key in file.keys:
        typer.echo(key.encode())
    say(f"key in {out}; keep it as you keep a seal")


def _new_box(out: Path) -> None:
    from tocsin.coalition import box_public, write_box

    raw = write_box(os.urandom(32))
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(raw)
    except FileExistsError:
        raise ConfigError(f"{out.name!r} is there already", hint="keys are never overwritten") from None
    typer.echo(box_public(raw))


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE_OR_FOLDER", help="Key file, or folder of a log or witness.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the verifier keys, one a line, Ed25519 first.

    Example: tocsin key show log/
    """
    from tocsin.ledger import read_key_file

    keys = [key.encode() for key in read_key_file(file).keys]
    if as_json:
        put_json(keys)
        return
    for key in keys:
        typer.echo(key)


def passphrase_for(sealed: bool) -> bytes:
    """Find the passphrase of a sealed key; none is needed for one in clear."""
    return _ask(confirm=False) if sealed else b""


def _ask(*, confirm: bool) -> bytes:
    given = os.environ.get(PASSPHRASE) or typer.prompt(
        "passphrase", hide_input=True, confirmation_prompt=confirm, err=True
    )
    return str(given).encode()


@app.command("rotate")
def rotate(
    folder: Annotated[Path, typer.Argument(metavar="LOGDIR", help="Folder of your own log.")],
    new_key: Annotated[Path, typer.Option("--new", help="The statement key from now on.")],
    key: Annotated[Path, typer.Option(help="The statement key until now.")],
    recovery: Annotated[Path, typer.Option(help="Your recovery key.")],
    first: Annotated[Path, typer.Option(help="The coalition's first charter, which names it.")],
) -> None:
    """Replace the statement key by an entry in the log; its index goes to stdout.

    Example: tocsin key rotate log --new new.key --key old.key --recovery recovery.key --first charter.json
    """
    from tocsin.cli.statements import rotate as enter

    enter(folder, first, key, recovery, new_key)
