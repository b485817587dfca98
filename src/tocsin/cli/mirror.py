"""`tocsin mirror`: hold, serve and cosign every entry of other members' logs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli import cosigning
from tocsin.cli.key import passphrase_for
from tocsin.cli.rim import put_rows
from tocsin.forms.errors import ConfigError

if TYPE_CHECKING:
    from tocsin.ledger import CosignerFolder, Mirror

_HELP = """Be a mirror: hold and serve every entry of a log, and cosign only then.

Example: tocsin mirror sync mirror
"""
app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the mirror.")]


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the mirror, new or empty.")],
    name: Annotated[str, typer.Option(help="Name of the mirror, best its URL without scheme.")],
    key: cosigning.Key = None,
    ml_dsa: cosigning.MlDsa = False,
) -> None:
    """Make a mirror; its verifier keys go to stdout.

    Example: tocsin mirror init mirror --name example.net/mirror
    """
    cosigning.make(folder, "mirror", name, key, ml_dsa)


@app.command("add-log")
def add_log(
    folder: Folder,
    key: Annotated[str, typer.Argument(metavar="VKEY", help="Verifier key of the log.")],
    url: Annotated[str | None, typer.Argument(metavar="URL_OR_DIR", help="Where the log is read from.")] = None,
) -> None:
    """Follow a log. A running mirror takes it up at once.

    Example: tocsin mirror add-log mirror "$(cat log.vkey)" https://log.example.org
    """
    cosigning.add_log(folder, "mirror", key, url)


@app.command("add-peer")
def add_peer(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Name for the peer in the policy file.")],
    key: Annotated[str, typer.Argument(metavar="VKEY", help="Verifier key of the peer.")],
    url: Annotated[str, typer.Argument(help="Address of the peer.")],
) -> None:
    """Ask another mirror, at every start, how far it has seen each log.

    Example: tocsin mirror add-peer mirror b "$(cat b.vkey)" https://mirror.example.net
    """
    cosigning.add_peer(folder, "mirror", name, key, url)


@app.command("sync")
def sync(
    folder: Folder,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL_OR_DIR...", help="Logs; when left out, all that the mirror follows by address."),
    ] = None,
    without: cosigning.Without = None,
) -> None:
    """Fetch, check, keep and cosign what logs now serve.

    Example: tocsin mirror sync mirror
    """
    from tocsin.ledger import open_cosigner
    from tocsin.ledger import sync as sync_one

    opened = open_cosigner(folder, "mirror")
    policy, mirror = opened.policy(), _mirror(opened)
    known = {line.key.name: line.url for line in policy.logs if line.url}
    if not addresses and not known:
        raise ConfigError("the mirror follows no log with an address", hint="`tocsin mirror add-log DIR VKEY URL`")
    for origin, size in cosigning.peers_of(policy, without).catch_up(mirror.inbox).items():
        mirror.require(origin, size)
    done = [sync_one(mirror, cosigning.source_at(url)) for url in addresses or known.values()]
    put_rows(("origin", "size"), [(tree.origin, tree.size) for tree in done])


@app.command("serve")
def serve(
    folder: Folder,
    port: cosigning.Port,
    host: cosigning.Host = "127.0.0.1",
    without: cosigning.Without = None,
) -> None:
    """Serve the mirror: its copies, and the calls by which logs bring it forward. Its address goes to stdout.

    Example: tocsin mirror serve mirror --port 8402
    """
    from tocsin.ledger import open_cosigner
    from tocsin.node import listen, mirror_app

    opened = open_cosigner(folder, "mirror")
    mirror = _mirror(opened)
    ready = cosigning.ask_in_background(cosigning.peers_of(opened.policy(), without), mirror.inbox, mirror.require)
    port_open = listen(host, port)
    typer.echo(port_open.url)
    port_open.serve(mirror_app(mirror, opened.store, ready))


def _mirror(opened: "CosignerFolder") -> "Mirror":
    from tocsin.ledger import Mirror

    signers = opened.key.signers(passphrase_for(opened.key.sealed))
    return Mirror(opened.store, opened.policy, signers, cosigning.now, os.urandom(32))
