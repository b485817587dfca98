"""Screen batches, here or in worker processes; results come in the order of the batches either way."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from threading import Thread

import pyarrow as pa

from tocsin.flow.fingerprinting import AlarmBank
from tocsin.flow.judging import Judging
from tocsin.flow.parts import PartStore
from tocsin.forms import TRAFFIC, TransportError
from tocsin.screen import FingerprintDetector, RuleDetector, Screened, rule_detector, screen_batch
from tocsin.screen.classifier import ClassifierDetector
from tocsin.standard import compile_pack, load_standard

AHEAD = 2  # batches in flight a worker: enough to keep it busy, few enough to bound memory


@dataclass(frozen=True, slots=True)
class Recipe:
    """Say how a worker builds its detector for itself; the rules' examples were proved once, before."""

    standard: Path | None
    cache: Path | None
    keep_evidence: bool
    alarms: AlarmBank | None = None
    judging: Judging = Judging()  # noqa: RUF009  # frozen

    def detectors(self) -> "Detectors":
        """Build the detectors of rules and of alarms, and the classifier."""
        standard = load_standard(self.standard, prove=False)
        rules = rule_detector(standard, compile_pack(standard, self.cache), keep_evidence=self.keep_evidence)
        alarms = self.alarms.detector(standard.version, self.keep_evidence) if self.alarms else None
        return rules, alarms, self.judging.detector(standard.version, self.keep_evidence)


Detectors = tuple[RuleDetector, FingerprintDetector | None, ClassifierDetector | None]
Job = tuple[pa.RecordBatch, Path]
Flight = Callable[[], Screened]  # waits for a part that is being made


def screen_here(batches: Iterable[pa.RecordBatch], parts: PartStore, detectors: Detectors) -> Iterator[Screened]:
    """Screen batches in order in this process, each part once: what the store has is not made again."""
    for batch in batches:
        path = parts.path(batch)
        screened = parts.load(path)
        if screened is None:
            screened = screen_batch(batch, *detectors)
            parts.keep(path, screened)
        yield screened


def screen_in_workers(
    batches: Iterable[pa.RecordBatch], parts: PartStore, recipe: Recipe, workers: int
) -> Iterator[Screened]:
    """Screen batches in worker processes; the same as `screen_here`, in the same order."""
    jobs = ((batch, parts.path(batch)) for batch in batches)
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (recipe, parts))
    try:
        yield from _elsewhere(jobs, parts, pool, AHEAD * workers)
    except BrokenProcessPool as error:
        for child in set(active_children()) - others:  # one that was just being started when another died is not ended
            child.kill()
        raise TransportError(
            "a worker process died", hint="free memory or use fewer --workers, then --resume"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _elsewhere(jobs: Iterable[Job], parts: PartStore, pool: ProcessPoolExecutor, most: int) -> Iterator[Screened]:
    flying: deque[Flight] = deque()
    for batch, path in jobs:
        flying.append(_departed(pool, batch, path, parts))
        if len(flying) > most:
            yield flying.popleft()()
    while flying:
        yield flying.popleft()()


def _departed(pool: ProcessPoolExecutor, batch: pa.RecordBatch, path: Path, parts: PartStore) -> Flight:
    ready = parts.load(path)
    if ready is not None:
        return lambda: ready
    future: Future[Screened] = pool.submit(_screen, batch.serialize(), path)
    return future.result


_worker: list[tuple[Detectors, PartStore]] = []  # one worker process's own, set as it starts


def _start(recipe: Recipe, parts: PartStore) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    Thread(target=_end_with_parent, daemon=True).start()
    _worker.append((recipe.detectors(), parts))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:  # a parent that was killed tells nobody to stop
        parent.join()
        os._exit(1)


def _screen(batch: pa.Buffer, path: Path) -> Screened:
    detectors, parts = _worker[0]
    screened = screen_batch(pa.ipc.read_record_batch(batch, TRAFFIC), *detectors)
    parts.keep(path, screened)
    return screened
