"""What a process cost: run a command on one core, and read its time and memory from the kernel."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LAST_LINES = 5


class FailedError(Exception):
    """Raise when a measured command does not end well."""


def last_core() -> int:
    """Name the last core that this process may use: the one where other work is least likely to be."""
    return max(os.sched_getaffinity(0))


AS_INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}  # compiled modules are kept, wherever this runs


def run_alone(command: Sequence[str], core: int, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a command on one core to its end; return what it cost and the JSON that it printed last.

    Units: seconds of wall clock and of processor, the latter over all threads; MB of 10^6 bytes at the peak.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = os.times().elapsed
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            env={**os.environ, **AS_INSTALLED, **(env or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509  no threads run here yet
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = os.times().elapsed - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise FailedError(f"{Path(command[0]).name} ended with {child.returncode}: {_tail(err)}")
        out.seek(0)
        said = [line for line in out.read().splitlines() if line.startswith("{")]
    return {
        "wall_s": round(wall, 3),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss * 1024 / 1e6, 1),
        "said": json.loads(said[-1]) if said else {},
    }


def keep(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    growing = path.with_suffix(".growing")
    growing.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    growing.replace(path)


def _tail(err: Any) -> str:
    err.seek(0)
    return " / ".join(err.read().splitlines()[-LAST_LINES:])
