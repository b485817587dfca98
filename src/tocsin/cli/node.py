"""`tocsin node` and `tocsin serve`: a member's own service."""

import time
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli import upkeep
from tocsin.cli.rim import put_json, say

app = typer.Typer(
    help="Make and keep a node: a member's own service.\n\nExample: tocsin node init node",
    no_args_is_help=True,
    rich_markup_mode=None,
)
upkeep.register(app)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the node.")]


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the node, new or empty.")],
    db: Annotated[
        str, typer.Option(help="postgresql://USER:PASSWORD@HOST/NAME; SQLite inside the folder when left out.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Make a node: settings, keys, database, and a first token with every scope, which is shown this once.

    Example: tocsin node init node
    """
    from tocsin.node import init_node

    made = init_node(folder, db)
    if as_json:
        put_json({"token": made.token, "config": str(made.settings)})
        return
    typer.echo(made.token)
    say(f"this token has every scope and is shown this once; settings: {made.settings}")
    say(f"start the node with: tocsin serve {folder}")


def serve(
    folder: Folder,
    host: Annotated[str, typer.Option(help="Address to listen on; nothing beyond this machine unless named.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8400,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that screen side by side.")] = 1,
) -> None:
    """Run a node until it is told to end: a server and its workers; the address goes to stdout.

    Example: tocsin serve node --port 8400
    """
    from tocsin.node import LogLines, Supervisor, listen, open_node

    open_node(folder).close()  # what is wrong with settings, keys or tables is told here
    listening = listen(host, port)
    typer.echo(listening.url)
    Supervisor(folder, listening, workers, LogLines("tocsin serve", time.time)).run()
