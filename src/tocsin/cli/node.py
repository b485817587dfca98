"""`tocsin node` and `tocsin serve`: a member's own service."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli import node_access, upkeep
from tocsin.cli.rim import put_json, put_rows, read_bytes, say

app = typer.Typer(
    help="Make and keep a node: a member's own service.\n\nExample: tocsin node init node",
    no_args_is_help=True,
    rich_markup_mode=None,
)
upkeep.register(app)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the node.")]
app.add_typer(node_access.people, name="person")
app.add_typer(node_access.tokens, name="token")
app.command("audit")(node_access.audit)
app.command("secret")(node_access.secret)


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


@app.command("import")
def import_leads(
    file: Annotated[Path, typer.Argument(help="STIX 2.1 bundle, MISP events, or CSV; with --form a plain list.")],
    folder: Folder,
    source: Annotated[str, typer.Option(help="Whose indicators they are; the file's name when left out.")] = "",
    form: Annotated[
        str | None, typer.Option(help="What every line is: account, network, client or text, with {slots} in texts.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Import indicators of others as unsigned local leads: hints for cases and checks, never a verdict.

    Example: tocsin node import templates.csv node --source "exchange group"
    """
    from tocsin.node import open_node, take_leads

    node = open_node(folder)
    try:
        taken = take_leads(node, read_bytes(file, "file of indicators"), source or file.name, form)
    finally:
        node.close()
    if as_json:
        put_json({"added": taken.added, "known": taken.known, "skipped": taken.skipped})
        return
    put_rows(("count", "what"), [(taken.added, "new"), (taken.known, "known"), *_counts(taken.skipped)])


def _counts(skipped: dict[str, int]) -> list[tuple[int, str]]:
    return [(count, f"passed over: {reason}") for reason, count in skipped.items()]


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
    from tocsin.node import become_supervisor, listen, look_over, open_node

    node = open_node(folder)
    try:
        look_over(node)  # what is wrong with settings, keys, tables, or a file that the settings name is told here
    finally:
        node.close()
    listening = listen(host, port)
    typer.echo(listening.url)
    become_supervisor(folder, listening, workers, follows=node.config.follows)
