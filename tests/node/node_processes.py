"""Servers and commands as processes of their own, the way members run them."""

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.cli.main import main

PROGRAM = "from tocsin.cli.main import main\nmain()"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def code_of(*arguments: object) -> int:
    return subprocess.run(command(*arguments), capture_output=True, timeout=120, check=False).returncode


def run_here(*arguments: object) -> str:
    """Run a command in this process, for what a test needs before its scenario begins; gives its output."""
    said, before = io.StringIO(), sys.argv
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.argv = ["tocsin", *map(str, arguments)]
    try:
        with redirect_stdout(said), redirect_stderr(io.StringIO()):
            main()
    except SystemExit as end:
        assert not end.code, arguments
    finally:
        sys.argv = before
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return said.getvalue()


@dataclass
class Servers:
    """Processes that listen; all of them are ended at the end."""

    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, *arguments: object) -> str:
        """Start one, on the port that it had before if it ran before."""
        port = self.urls[name].rpartition(":")[2] if name in self.urls else "0"
        process = subprocess.Popen(
            command(*arguments, "--port", port),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )
        self.running[name] = process
        assert process.stdout
        self.urls[name] = process.stdout.readline().strip()
        assert self.urls[name].startswith("http://127.0.0.1:"), process.communicate()
        return self.urls[name]

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.running.pop(name)
        process.send_signal(number)
        process.communicate(timeout=30)
        return process.returncode

    def stop_all(self) -> None:
        for name in list(self.running):
            self.stop(name, signal.SIGKILL)


def write_entries(folder: Path, count: int, tag: str = "entry") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{tag}-{n}" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_bytes(f"{tag} {n}".encode())
    return paths
