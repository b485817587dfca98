"""The check of a running server: detectors loaded once, requests judged together, streams kept open."""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.cases import Policy, parse_policy, starter_policy
from tocsin.flow import AlarmBank, Checked, Checker, CheckSettings, Judging, OpenStreams, Request, alarm_bank
from tocsin.forms import TocsinError, TransportError
from tocsin.node.batching import Batches
from tocsin.node.config import CheckSection, NodeConfig
from tocsin.node.home import Home

Clock = Callable[[], float]  # seconds, monotonic


@dataclass
class Checks:
    """Check requests; the detectors are loaded by `begin`, in a thread, or when they are first asked for."""

    home: Home
    config: NodeConfig
    clock: Clock = time.monotonic
    streams: OpenStreams = field(init=False)
    _loading: "Future[Checker] | None" = None
    _ready: Checker | None = None
    _batches: Batches | None = None

    def __post_init__(self) -> None:
        check = self.config.check
        self.streams = OpenStreams(self.clock, check.most_streams, idle=check.stream_seconds)

    def begin(self, *, warm: bool) -> None:
        """Begin to load the detectors, and to prepare what they would else prepare when it is first needed."""
        if self._loading is None:
            loader = ThreadPoolExecutor(1, "loading")
            self._loading = loader.submit(_loaded, self.home, self.config, self.clock, warm)
            loader.shutdown(wait=False)

    async def ask(self, request: Request) -> Checked:
        """Check one request.

        Errors: BusyError where too many wait; TransportError where the detectors cannot be loaded.
        """
        checker = self._ready or await self.checker()
        if self._batches is None:
            self._batches = Batches(checker.check, self.config.check.most_waiting)
        return await self._batches.ask(request)

    async def ask_all(self, requests: Sequence[Request]) -> list[Checked]:
        """Check some requests at once."""
        return list(await asyncio.gather(*map(self.ask, requests)))

    async def checker(self) -> Checker:
        """Give the loaded checker. Errors: TransportError where it cannot be loaded."""
        self.begin(warm=False)
        if self._ready is None and self._loading:
            try:
                self._ready = await asyncio.wrap_future(self._loading)
            except TocsinError as error:
                raise TransportError(f"no checks can be made: {error}", hint="mend [check] and start again") from error
        assert self._ready
        return self._ready


def _loaded(home: Home, config: NodeConfig, clock: Clock, warm: bool) -> Checker:
    checker = read_checker(home, config, clock)
    if warm:
        checker.warm()
        gc.freeze()  # it lives as long as the server: a collector that walks it keeps everybody waiting
    return checker


def read_checker(home: Home, config: NodeConfig, clock: Clock) -> Checker:
    """Load what the settings name.

    Errors: ConfigError for the policy or the standard; TransportError where a file cannot be read; FormatError for the
    bank of alarms.
    """
    bank = read_bank(home, config.check)
    judging = Judging(stage=config.check.stage)
    settings = CheckSettings(home.path(config.screening.standard), home.cache, bank, judging)
    return Checker.load(settings, clock, read_policy(home.path(config.check.policy)))


def read_policy(path: Path | None) -> Policy:
    """Read a policy file, or the policy that ships where none is named. Errors: TransportError, ConfigError."""
    return starter_policy() if path is None else parse_policy(_read(path, "policy"))


def read_bank(home: Home, check: CheckSection) -> AlarmBank | None:
    """Open the bank of alarms that the settings name. Errors: TransportError, ConfigError, FormatError."""
    keys = [_read(path, "group key") for path in (home.path(name) for name in check.group_keys) if path]
    return alarm_bank(home.path(check.alarms), keys)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TransportError(
            f"the {what} {path.name!r} cannot be read: {error.strerror}", hint="see [check]"
        ) from error
