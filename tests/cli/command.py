"""Run the command in this process, as its entry point does."""

import io
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.cli.main import main


@dataclass(frozen=True)
class Told:
    """What a command said: exit code, data, words."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Told:
        self.monkeypatch.setattr(sys, "argv", ["tocsin", *map(str, arguments)])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self.capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        said = self.capsys.readouterr()
        return Told(code, said.out, said.err)


def modules_after(*arguments: str) -> str:
    """A program that runs the command and prints which modules it loaded."""
    return (
        f"import sys; sys.argv = ['tocsin', *{arguments!r}]\n"
        "from tocsin.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )


def cache_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
