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
    png: Annotated[bool, typer.Option("--png", help="Also write the charts as PNG, for slides and letters.")] = False,
) -> None:
    """Draw the report and charts of a run anew from its tables; print where the report is.

    Example: tocsin report run --png
    """
    from tocsin.flow import redraw  # kept out of `tocsin --help`

    for note in redraw(folder, standard, png=png):
        say(note)
    typer.echo(str(folder / "report.html"))
