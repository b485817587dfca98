"""`tocsin report`: draw a run's report anew."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.rim import say


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `tocsin screen` wrote.")],
    standard: Annotated[
        Path | None, typer.Option(help="Folder of the standard that the run used, if not the shipped one.")
    ] = None,
) -> None:
    """Draw the report and charts of a run anew from its tables; print where the report is.

    Example: tocsin report run
    """
    from tocsin.flow import redraw  # kept out of `tocsin --help`

    for note in redraw(folder, standard):
        say(note)
    typer.echo(str(folder / "report.html"))
