"""Structured log lines: one JSON object a line, never content, an identifier or a token."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO


@dataclass(frozen=True)
class LogLines:
    """Write log lines of one process."""

    process: str
    clock: Callable[[], float]
    out: IO[str] = sys.stderr

    def tell(self, what: str, **facts: object) -> None:
        """Say what happened."""
        self._write("info", what, facts)

    def warn(self, what: str, **facts: object) -> None:
        """Say what went wrong."""
        self._write("warning", what, facts)

    def _write(self, level: str, what: str, facts: dict[str, object]) -> None:
        time = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": level, "process": self.process, "what": what, **facts}
        print(json.dumps(line, ensure_ascii=False), file=self.out, flush=True)
