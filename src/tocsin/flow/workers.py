"""Screen batches, by this process or by several; results come in the order of the batches either way."""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from mmap import mmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Self

import pyarrow as pa

from tocsin.flow.fingerprinting import AlarmBank
from tocsin.flow.judging import Judging
from tocsin.flow.parts import PartStore
from tocsin.forms import TransportError
from tocsin.forms.limits import BATCH_TEXT_BYTES
from tocsin.screen import FingerprintDetector, RuleDetector, Screened, rule_detector, screen_batch
from tocsin.screen.classifier import ClassifierDetector
from tocsin.standard import Standard, compile_pack, load_standard

AHEAD = 2  # batches given to a worker at once: enough to keep it busy meanwhile, few enough to bound memory
_SLOT_BYTES = 2 * BATCH_TEXT_BYTES  # room for one, its identifiers hashed; what is not written to takes none

Make = Callable[[pa.RecordBatch], Path]
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

    Errors: those of a worker; TransportError where one was ended from outside.
    """

    def made(batch: pa.RecordBatch) -> tuple[Path, Screened]:
        path = parts.path(batch)
        ready = parts.load(path)
        if ready is None:
            ready = screen_batch(batch, *detectors, scores=scores)
            parts.keep(path, ready)
        return path, ready

    if workers == 1:
        return (made(batch)[1] for batch in batches)
    return map(parts.take, _side_by_side(batches, lambda batch: made(batch)[0], workers))


def _side_by_side(batches: Iterable[pa.RecordBatch], make: Make, workers: int) -> Iterator[Path]:
    """Hand batches to workers in turn, and say where the parts are that they made."""
    team: list[_Worker] = []
    flying: deque[_Worker] = deque()
    try:
        team += [_Worker.start(make) for _ in range(workers)]
        for batch, worker in zip(batches, cycle(team), strict=False):
            if len(flying) == AHEAD * workers:
                yield flying.popleft().told()
            worker.give(batch)
            flying.append(worker)
        while flying:
            yield flying.popleft().told()
    finally:
        for worker in team:
            worker.end()


@dataclass(frozen=True, slots=True)
class _Worker:
    """Hold a process forked from this one, the line to it, and the memory that both see."""

    process: ForkProcess
    line: Connection
    slots: Iterator[pa.Buffer]

    @classmethod
    def start(cls, make: Make) -> Self:
        """Fork it, with all that is loaded."""
        ours, theirs = Pipe()
        slots = [pa.py_buffer(mmap(-1, _SLOT_BYTES)) for _ in range(AHEAD)]
        process = ForkProcess(target=_work, args=(ours, theirs, slots, make), daemon=True)
        process.start()
        theirs.close()  # so that the line ends when the process does
        return cls(process, ours, cycle(slots))

    def give(self, batch: pa.RecordBatch) -> None:
        """Let it make the part of one more batch, of at most AHEAD that it has not told of."""
        with pa.FixedSizeBufferWriter(next(self.slots)) as file, pa.ipc.new_stream(file, batch.schema) as writer:
            writer.write_batch(batch)
        with self._alive():
            self.line.send_bytes(b"")

    def told(self) -> Path:
        """Wait for the place of the part of the batch that was given first."""
        with self._alive():
            told: Path | Exception = self.line.recv()
        if isinstance(told, Exception):
            raise told
        return told

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError):
            self.process.join()
            message = f"a worker ended with {self.process.exitcode} before the run did"
            raise TransportError(message, hint="-9: memory ran out; take fewer workers, go on with --resume") from None

    def end(self) -> None:
        """End it, whatever it does: a part is there whole or not at all."""
        self.line.close()
        self.process.kill()
        self.process.join()


def _work(far: Connection, line: Connection, slots: Sequence[pa.Buffer], make: Make) -> None:
    """Make the parts of batches until the line ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the run interrupts the first process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    far.close()  # so that the line ends when the first process does
    with suppress(EOFError, ConnectionError):
        for slot in cycle(slots):
            line.recv_bytes()
            line.send(_tried(make, slot))


def _tried(make: Make, slot: pa.Buffer) -> Path | Exception:
    try:
        return make(pa.ipc.open_stream(slot).read_next_batch())
    except Exception as error:
        return error
