"""Screen batches, by one worker or several; results come in the order of the batches either way."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tocsin.flow.fingerprinting import AlarmBank
from tocsin.flow.judging import Judging
from tocsin.flow.parts import PartStore
from tocsin.screen import FingerprintDetector, RuleDetector, Screened, rule_detector, screen_batch
from tocsin.screen.classifier import ClassifierDetector
from tocsin.standard import Standard, compile_pack, load_standard

AHEAD = 5  # batches in flight a worker: enough to keep it busy meanwhile, few enough to bound memory

Detectors = tuple[RuleDetector, FingerprintDetector | None, ClassifierDetector | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Say how the detectors of a run are built."""

    standard: Path | None
    cache: Path | None
    keep_evidence: bool
    alarms: AlarmBank | None = None
    judging: Judging = Judging()  # noqa: RUF009  # frozen

    def detectors(self, standard: Standard | None = None) -> Detectors:
        """Build the detectors of rules and of alarms, and the classifier; load the standard where it is not given."""
        standard = standard or load_standard(self.standard, prove=False)
        rules = rule_detector(standard, compile_pack(standard, self.cache), keep_evidence=self.keep_evidence)
        alarms = self.alarms.detector(standard.version, self.keep_evidence) if self.alarms else None
        return rules, alarms, self.judging.detector(standard.version, self.keep_evidence)


def screen_batches(
    batches: Iterable[pa.RecordBatch],
    parts: PartStore,
    detectors: Detectors,
    workers: int = 1,
    *,
    scores: bool = True,
) -> Iterator[Screened]:
    """Screen batches in order, each part once: what the store has is not made again.

    Workers are threads that share the detectors: the kernels, Arrow and NumPy let others run while they do.
    """

    def screened(batch: pa.RecordBatch) -> Screened:
        path = parts.path(batch)
        ready = parts.load(path)
        if ready is None:
            ready = screen_batch(batch, *detectors, scores=scores)
            parts.keep(path, ready)
        return ready

    if workers == 1:
        yield from map(screened, batches)
        return
    pool = ThreadPoolExecutor(workers)
    flying: deque[Future[Screened]] = deque()
    try:
        for batch in batches:
            flying.append(pool.submit(screened, batch))
            if len(flying) > AHEAD * workers:
                yield flying.popleft().result()
        while flying:
            yield flying.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
