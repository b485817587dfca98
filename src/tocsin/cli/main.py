"""The `tocsin` command: its parts, its exit codes, and how errors are told."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer

from tocsin import __version__
from tocsin.cli import (
    body,
    cases,
    charter,
    check,
    demo,
    evaluate,
    exercise,
    fingerprint,
    key,
    log,
    mirror,
    node,
    report,
    screen,
    seal,
    standard,
    state,
    statements,
    train,
    upkeep,
    verify,
    witness,
)
from tocsin.forms.errors import INTERRUPTED, TocsinError

app = typer.Typer(
    name="tocsin",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.command("screen")(screen.screen)
app.command("cases")(cases.cases)
app.command("report")(report.report)
app.command("check")(check.check)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(exercise.app, name="exercise")
app.add_typer(fingerprint.app, name="fingerprint")
app.add_typer(standard.app, name="standard")
app.add_typer(key.app, name="key")
app.add_typer(log.app, name="log")
app.add_typer(witness.app, name="witness")
app.add_typer(mirror.app, name="mirror")
app.add_typer(charter.app, name="charter")
for name, command in statements.COMMANDS.items():
    app.command(name)(command)
app.command("disclose")(body.disclose)
app.command("state")(state.state)
app.add_typer(seal.app, name="seal")
app.add_typer(body.app, name="body")
app.add_typer(verify.app, name="verify")
app.add_typer(node.app, name="node")
app.command("serve")(node.serve)
app.command("forget")(upkeep.forget)


class _Interrupted(BaseException):
    """Ctrl-C or a request to end; outside Exception, so that nothing on the way swallows it."""


def main() -> None:
    """Run the command; every known error ends in one line, a remedy and its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        app(prog_name="tocsin")
    except TocsinError as error:
        _tell(str(error), error.hint)
        sys.exit(error.exit_code)
    except _Interrupted:
        _tell("interrupted; nothing half-written is left in place", _remedy(sys.argv[1:2]))
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and leave.", is_eager=True, callback=_version
    ),
) -> None:
    """Screen AI traffic for misuse in English and Chinese, and judge what is found.

    Example: tocsin demo
    """


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise _Interrupted


def _remedy(command: Sequence[str]) -> str:
    """Say how an interrupted command is taken up again."""
    resumes = list(command) == ["screen"]
    return "the same command with --resume goes on from here" if resumes else "run the same command again"


def _tell(message: str, hint: str) -> None:
    typer.echo(f"tocsin: {message}", err=True)
    if hint:
        typer.echo(f"        {hint}", err=True)
