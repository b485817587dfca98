"""Screen encoded batches, here or in worker processes; results come in the order of the batches either way."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tocsin.flow.parts import PartStore, decode_batch
from tocsin.screen import RuleDetector, Screened, rule_detector, screen_batch
from tocsin.standard import compile_pack, load_standard

AHEAD = 2  # batches in flight a worker: enough to keep it busy, few enough to bound memory


@dataclass(frozen=True, slots=True)
class Recipe:
    """Say how a worker builds its detector for itself; the rules' examples were proved once, before."""

    standard: Path | None
    cache: Path | None
    keep_evidence: bool

    def detector(self) -> RuleDetector:
        """Build the detector."""
        standard = load_standard(self.standard, prove=False)
        return rule_detector(standard, compile_pack(standard, self.cache), keep_evidence=self.keep_evidence)


Job = tuple[bytes, Path]


def screen_here(batches: Iterable[bytes], parts: PartStore, detector: RuleDetector) -> Iterator[Screened]:
    """Screen batches in order in this process, each part once: what the store has is not made again."""
    for batch in batches:
        path = parts.path(batch)
        screened = parts.load(path)
        if screened is None:
            screened = screen_batch(decode_batch(batch), detector)
            parts.keep(path, screened)
        parts.note(path)
        yield screened


def screen_in_workers(batches: Iterable[bytes], parts: PartStore, recipe: Recipe, workers: int) -> Iterator[Screened]:
    """Screen batches in worker processes; the same as `screen_here`, in the same order."""
    jobs = ((batch, parts.path(batch)) for batch in batches)
    for path, screened in _elsewhere(jobs, parts, recipe, workers):
        parts.note(path)
        yield screened


def _elsewhere(jobs: Iterable[Job], parts: PartStore, recipe: Recipe, workers: int) -> Iterator[tuple[Path, Screened]]:
    flying: deque[tuple[Path, Callable[[], Screened]]] = deque()
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (recipe, parts))
    try:
        for batch, path in jobs:
            flying.append((path, _outcome(pool, batch, path, parts)))
            if len(flying) > AHEAD * workers:
                yield _landed(flying)
        while flying:
            yield _landed(flying)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _landed(flying: deque[tuple[Path, Callable[[], Screened]]]) -> tuple[Path, Screened]:
    path, outcome = flying.popleft()
    return path, outcome()


def _outcome(pool: ProcessPoolExecutor, batch: bytes, path: Path, parts: PartStore) -> Callable[[], Screened]:
    ready = parts.load(path)
    if ready is not None:
        return lambda: ready
    future: Future[Screened] = pool.submit(_screen, batch, path)
    return future.result


_worker: list[tuple[RuleDetector, PartStore]] = []  # one worker process's own, set as it starts


def _start(recipe: Recipe, parts: PartStore) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    _worker.append((recipe.detector(), parts))


def _screen(batch: bytes, path: Path) -> Screened:
    detector, parts = _worker[0]
    screened = screen_batch(decode_batch(batch), detector)
    parts.keep(path, screened)
    return screened
