"""Choose how a source is read: by its first bytes and lines, unless the caller says."""

from collections.abc import Iterator

from tocsin.traffic.chat import Conversations
from tocsin.traffic.forms import form_of
from tocsin.traffic.jsonl import read_native
from tocsin.traffic.lines import Block, line_blocks
from tocsin.traffic.parquet import read_parquet
from tocsin.traffic.piece import Piece
from tocsin.traffic.retold import Retold
from tocsin.traffic.sources import Source
from tocsin.traffic.streams import Stream

FORMATS = ("jsonl", "parquet", "chat", "otlp")


def read_source(source: Source, form: str | None, conversations: Conversations) -> Iterator[Piece]:
    """Yield the pieces of a source; raises TransportError or FormatError after what could be read."""
    if source.problem:
        raise source.problem
    stream = Stream(source)
    try:
        if form == "parquet" or (form is None and stream.is_parquet):
            yield from _tables(source, stream, conversations)
        else:
            yield from _lines(source, stream, form, conversations)
    finally:
        stream.close()


def _tables(source: Source, stream: Stream, conversations: Conversations) -> Iterator[Piece]:
    if stream.packing is None and source.path.is_file():
        if source.path.stat().st_size:
            yield from read_parquet(source.name, source.path)
        return
    with stream.spool(conversations.seen.spill_dir) as file:
        if file.tell():
            yield from read_parquet(source.name, file)


def _lines(source: Source, stream: Stream, form: str | None, conversations: Conversations) -> Iterator[Piece]:
    retold = Retold(conversations.seen)
    for block in line_blocks(stream.chunks()):
        form = form or _form_of(block)
        if form == "chat":
            yield conversations.read(block, source.name)
        elif form == "otlp":
            yield retold.read(block)
        else:  # also where no line has shown its form yet: such lines are no native ones, so each is refused
            yield read_native(block)


def _form_of(block: Block) -> str | None:
    """Return the form of the first line that shows one."""
    return next(filter(None, (form_of(line or b"") for line in block.lines)), None)
