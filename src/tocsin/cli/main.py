"""The `tocsin` command: its parts, its exit codes, and how errors are told."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from tocsin import __version__
from tocsin.forms.errors import INTERRUPTED, TocsinError

_STATEMENTS = ("propose", "vote", "stamp", "anchor", "notice", "inquire", "answer", "freeze", "publish")
_GROUPS = (
    "exercise",
    "fingerprint",
    "standard",
    "key",
    "log",
    "witness",
    "mirror",
    "charter",
    "seal",
    "body",
    "verify",
    "node",
)
_COMMANDS = {  # where each lies in this room, in the order of the help
    **{name: f"{name}.{name}" for name in ("demo", "screen", "cases", "report", "check", "train", "evaluate")},
    **{name: f"statements.{name}" for name in _STATEMENTS},
    "disclose": "body.disclose",
    "state": "state.state",
    "serve": "node.serve",
    "forget": "upkeep.forget",
    **{name: f"{name}.app" for name in _GROUPS},
}


class _Commands(TyperGroup):
    """Load a command when it is asked for: to load all of them takes longer than many of them run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name all, loaded or not."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load it; what is none makes all load, for the one that was meant is looked for among them."""
        for name in [cmd_name] if cmd_name in _COMMANDS else _COMMANDS:
            self.commands[name] = self.commands.get(name) or _loaded(name)
        return self.commands.get(cmd_name)


def _loaded(name: str) -> Any:
    module, _, what = _COMMANDS[name].partition(".")
    part = getattr(import_module(f"tocsin.cli.{module}"), what)
    alone = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
    if isinstance(part, typer.Typer):
        alone.add_typer(part, name=name)
    else:
        alone.command(name)(part)
    return get_group(alone).commands[name]


app = typer.Typer(
    name="tocsin",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


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
    finally:
        gc.freeze()  # the process is about to end: nobody need look for circles any more


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
