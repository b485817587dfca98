"""`tocsin witness`: cosign other members' logs, by their checkpoints alone."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli import cosigning
from tocsin.cli.key import passphrase_for

_HELP = """Be a witness: cosign what is consistent with all seen before.

Example: tocsin witness serve witness --port 8401
"""
app = typer.Typer(help=_HELP, no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the witness.")]


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the witness, new or empty.")],
    name: Annotated[str, typer.Option(help="Name of the witness, best its URL without scheme.")],
    key: cosigning.Key = None,
    ml_dsa: cosigning.MlDsa = False,
) -> None:
    """Make a witness; its verifier keys go to stdout.

    Example: tocsin witness init witness --name example.net/witness
    """
    cosigning.make(folder, "witness", name, key, ml_dsa)


@app.command("add-log")
def add_log(
    folder: Folder,
    key: Annotated[str, typer.Argument(metavar="VKEY", help="Verifier key of the log.")],
    url: Annotated[str | None, typer.Option(help="Address of the log; needed to recover after a restore.")] = None,
) -> None:
    """Follow a log. A running witness takes it up at once.

    Example: tocsin witness add-log witness "$(tocsin key show log)"
    """
    cosigning.add_log(folder, "witness", key, url)


@app.command("add-peer")
def add_peer(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Name for the peer in the policy file.")],
    key: Annotated[str, typer.Argument(metavar="VKEY", help="Verifier key of the peer.")],
    url: Annotated[str, typer.Argument(help="Address of the peer.")],
) -> None:
    """Ask another witness or mirror, at every start, how far it has seen each log.

    Example: tocsin witness add-peer witness b "$(cat b.vkey)" https://mirror.example.net
    """
    cosigning.add_peer(folder, "witness", name, key, url)


@app.command("serve")
def serve(
    folder: Folder,
    port: cosigning.Port,
    host: cosigning.Host = "127.0.0.1",
    without: cosigning.Without = None,
) -> None:
    """Serve the witness; its address goes to stdout.

    Example: tocsin witness serve witness --port 8401
    """
    from tocsin.ledger import Witness, open_cosigner
    from tocsin.node import listen, witness_app

    opened = open_cosigner(folder, "witness")
    signers = opened.key.signers(passphrase_for(opened.key.sealed))
    witness = Witness(opened.store, "witness", opened.policy, signers, cosigning.now)
    ready = cosigning.ask_in_background(cosigning.peers_of(opened.policy(), without), witness, lambda _o, _s: None)
    port_open = listen(host, port)
    typer.echo(port_open.url)
    port_open.serve(witness_app(witness, ready))
