"""Real brokers on loopback, started and stopped by a test."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NATS = shutil.which("nats-server") or "/usr/sbin/nats-server"
PATIENCE_S = 20


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """A process that listens on a port, and can be killed and started again on what it has on disk."""

    def __init__(self, command: list[str], port: int, folder: Path) -> None:
        self.command, self.port, self.folder = command, port, folder
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        log = (self.folder / "broker.log").open("ab")
        self.process = subprocess.Popen(
            self.command, cwd=self.folder, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]}
        )
        log.close()
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert self.process.poll() is None, (self.folder / "broker.log").read_text()
        raise AssertionError("the broker does not listen")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def nats_server(folder: Path) -> Iterator[tuple[Broker, str]]:
    port = free_port()
    broker = Broker([NATS, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "js")], port, folder)
    try:
        yield broker, f"nats://127.0.0.1:{port}"
    finally:
        broker.kill()


@contextlib.contextmanager
def kafka_broker(binary: str, folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    listen = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
    broker = Broker([binary, "broker", *listen], port, folder)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        broker.kill()
