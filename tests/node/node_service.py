"""A member's node as its own processes, and a client of its API."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import httpx
from node_processes import Servers, run_here

from tocsin.cli.rim import cache_folder

_PATIENCE = 120  # tries of a quarter of a second


@dataclass
class Service:
    """Make a node and serve it."""

    folder: Path
    servers: Servers
    token: str = ""
    db: str = ""
    name: str = "node"
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def __post_init__(self) -> None:
        if self.folder.exists():
            return
        self.token = json.loads(run_here("node", "init", self.folder, "--json", "--db", self.db))["token"]
        self.set("casing_seconds", "0.5")
        (self.folder / "cache").symlink_to(cache_folder())  # rules are compiled once for all tests

    def set(self, key: str, value: str) -> None:
        """Change a setting, as its owner would."""
        path = self.folder / "tocsin.toml"
        path.write_text(re.sub(rf"^{key} = .*$", f"{key} = {value}", path.read_text(), flags=re.MULTILINE))

    def beside(self, name: str) -> "Service":
        """Make another node of the same member on the same database: it has the same keys."""
        shutil.copytree(self.folder, self.folder.with_name(name), symlinks=True)
        return Service(self.folder.with_name(name), self.servers, self.token, self.db, name)

    def start(self) -> None:
        url = self.servers.start(self.name, "serve", self.folder)
        self.client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {self.token}"}, timeout=60)

    def get(self, path: str, **query: object) -> Any:
        answer = self.client.get(path, params=query)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, lines: Sequence[str]) -> httpx.Response:
        return self.client.post("/v1/events", content='{"events": [' + ",".join(lines) + "]}")

    def send_surely(self, lines: Sequence[str]) -> dict[str, Any]:
        """Send as a careful client does: again until an answer says that all is durable."""
        for _ in range(_PATIENCE):
            try:
                answer = self.send(lines)
            except httpx.TransportError:
                _pause()
                continue
            if answer.status_code == 200:
                return dict(answer.json())
            assert answer.status_code in (429, 503), answer.text
            _pause()
        raise AssertionError("the node took nothing in")

    def settled(self, patience: int = _PATIENCE) -> dict[str, Any]:
        """Wait until the cases speak of all events."""
        for _ in range(patience):
            stats = self.get("/v1/stats")
            if stats["settled"]:
                return dict(stats)
            _pause()
        raise AssertionError(stats)

    def cases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.get("/v1/cases", limit=40, **({"after": after} if after else {}))
            found += page["cases"]
            after = page["next"]
            if after is None:
                return found

    def processes(self) -> dict[str, int]:
        """Name the processes below the supervisor: serve and work."""
        parent = self.servers.running[self.name].pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return {role: int(pid) for pid in children if (role := _role(pid))}

    def kill(self, role: str) -> None:
        for _ in range(_PATIENCE):
            if role in (running := self.processes()):
                os.kill(running[role], signal.SIGKILL)
                return
            _pause()
        raise AssertionError(f"no process to {role}")


def _role(pid: str) -> str | None:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return words[words.index("tocsin.node") + 1] if "tocsin.node" in words else None


def _pause() -> None:
    Event().wait(0.25)


def slices(lines: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (lines[at : at + size] for at in range(0, len(lines), size))
