"""Pull traffic out of whatever the inputs name, in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import TRAFFIC, ConfigError, FormatError, Reject, TocsinError
from tocsin.forms.limits import BATCH_ROWS, BATCH_TEXT_BYTES
from tocsin.traffic.chat import Conversations
from tocsin.traffic.piece import Piece
from tocsin.traffic.readers import FORMATS, read_source
from tocsin.traffic.seen import MemoryFailedError, SeenIds
from tocsin.traffic.sources import Source, find_sources
from tocsin.traffic.spans import NO_CONTENT


@dataclass(frozen=True, slots=True)
class Pulled:
    """Hold a batch of events, what was refused beside them, and where a source failed, the failure.

    traffic: TRAFFIC schema, at most BATCH_ROWS rows and BATCH_TEXT_BYTES bytes of text, maybe none. A failure says that
    a source ended early, could not be read or held nothing of use; what was read before it is kept.
    """

    traffic: pa.RecordBatch
    rejects: tuple[Reject, ...] = ()
    failure: TocsinError | None = None


def pull(inputs: Sequence[str], *, seen: SeenIds, format: str | None = None) -> Iterator[Pulled]:  # noqa: A002
    """Yield the events of all inputs in order of (source name, position), each id once.

    inputs: files, folders, globs, or "-" for standard input; their order does not matter. format: one of FORMATS, or
    None to detect it for each source. Raises ConfigError for an unknown format and TransportError where `seen` can no
    longer be kept; what is wrong with a source is told in `failure`.
    """
    if format is not None and format not in FORMATS:
        raise ConfigError(f"unknown format {format!r}", hint=f"use one of {', '.join(FORMATS)}")
    return _pull(inputs, seen, format)


def _pull(inputs: Sequence[str], seen: SeenIds, form: str | None) -> Iterator[Pulled]:
    tray, conversations = _Tray(), Conversations(seen)
    for source in find_sources(inputs):
        reading = _Reading(source, conversations)
        for batch, rejects in reading.parts(form):
            yield from tray.put(batch, rejects)
        if reading.failure:
            yield tray.empty(reading.failure)
    if tray.is_loaded:
        yield tray.empty()


_NOTHING = pa.RecordBatch.from_pylist([], TRAFFIC)


@dataclass(slots=True)
class _Reading:
    """Read one source and keep count of what it gave."""

    source: Source
    conversations: Conversations
    rows: int = 0
    refused: int = 0
    worded: bool = False  # some text was not empty
    uncaptured: int = 0  # refused because content was not captured
    failure: TocsinError | None = None

    def parts(self, form: str | None) -> Iterator[tuple[pa.RecordBatch, list[Reject]]]:
        """Yield batches and their rejects; afterwards `failure` says whether the source was sound."""
        try:
            for piece in read_source(self.source, form, self.conversations):
                self._count(piece)
                yield self._once(piece)
            self.failure = self._verdict()
        except MemoryFailedError:  # no fault of this source, and fatal to all
            raise
        except TocsinError as problem:
            self.failure = problem
            yield _NOTHING, [Reject(self.source.name, 0, "source cannot be read to its end")]

    def _count(self, piece: Piece) -> None:
        self.rows += piece.traffic.num_rows
        self.refused += len(piece.rejects)
        self.uncaptured += sum(reason == NO_CONTENT for _, reason in piece.rejects)
        texts = piece.traffic.column("text")
        self.worded = self.worded or bool(pc.any(pc.greater(pc.binary_length(texts), 0)).as_py())

    def _once(self, piece: Piece) -> tuple[pa.RecordBatch, list[Reject]]:
        """Drop the rows whose id was seen before."""
        name, batch, refused = self.source.name, piece.traffic, list(piece.rejects)
        new = self.conversations.seen.add(batch.column("event_id"))
        if not new.all():
            refused += [(position, "duplicate id") for position in piece.positions[~new].tolist()]
            refused.sort(key=lambda reject: reject[0])
            batch = batch.filter(pa.array(new))
        return batch, [Reject(name, position, reason) for position, reason in refused]

    def _verdict(self) -> TocsinError | None:
        name = f"input {self.source.name!r}"
        if (self.rows and not self.worded) or (self.uncaptured and self.uncaptured == self.refused and not self.rows):
            return FormatError(f"{name}: {NO_CONTENT}", hint="switch content capture on where it is logged")
        if self.refused and not self.rows:
            return FormatError(f"{name}: all {self.refused} rows were rejected", hint="docs/formats.md has the forms")
        return None


@dataclass(slots=True)
class _Tray:
    """Gather small batches into full ones."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rows: int = 0
    size: int = 0  # bytes

    @property
    def is_loaded(self) -> bool:
        return bool(self.rows or self.rejects)

    def put(self, batch: pa.RecordBatch, rejects: list[Reject]) -> Iterator[Pulled]:
        """Take a batch in, yielding what is full before it."""
        for part in _fitting(batch):
            if self.rows + part.num_rows > BATCH_ROWS or self.size + part.nbytes > BATCH_TEXT_BYTES:
                yield self.empty()
            self.batches.append(part)
            self.rows += part.num_rows
            self.size += part.nbytes
        self.rejects += rejects
        if len(self.rejects) > BATCH_ROWS:
            yield self.empty()

    def empty(self, failure: TocsinError | None = None) -> Pulled:
        """Give out what was gathered and begin anew."""
        whole = pa.Table.from_batches(self.batches, TRAFFIC).combine_chunks().to_batches()
        pulled = Pulled(whole[0] if whole else _NOTHING, tuple(self.rejects), failure)
        self.batches, self.rejects, self.rows, self.size = [], [], 0, 0
        return pulled


def _fitting(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Halve a batch until every part may be handed out; a batch of no rows has no part."""
    if batch.num_rows > BATCH_ROWS or (batch.num_rows > 1 and batch.nbytes > BATCH_TEXT_BYTES):
        half = batch.num_rows // 2
        yield from _fitting(batch.slice(0, half))
        yield from _fitting(batch.slice(half))
    elif batch.num_rows:
        yield batch
