"""Streams that are checked while they are written: each piece with what stood before it, at the end the whole."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from tocsin.forms import FormatError
from tocsin.forms.limits import TEXT_BYTES

Clock = Callable[[], float]  # seconds, monotonic
OVERLAP = 2000  # characters before a piece that are judged with it


class LostPieceError(FormatError):
    """Raise for a piece that does not follow what came before."""

    remedy = "send the whole text so far as piece 0 of a new stream"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hold what is judged now: a stretch of the stream that begins at character `start`; `whole`: all of it."""

    text: str
    start: int
    whole: bool


@dataclass
class _Stream:
    last: float
    text: str = ""
    pieces: int = 0
    latest: str = ""  # the last piece, so that one which is sent again changes nothing


@dataclass
class OpenStreams:
    """Keep the text of streams that are not at their end; the longest idle go first where room is short.

    Units: `idle` is in seconds, `most_characters` counts all open streams together.
    """

    clock: Clock
    most: int = 10_000
    most_characters: int = 64 << 20
    idle: float = 600.0
    _open: OrderedDict[str, _Stream] = field(default_factory=OrderedDict)
    _characters: int = 0

    def __len__(self) -> int:
        return len(self._open)

    def take(self, name: str, number: int, piece: str, *, final: bool) -> Stretch:
        """Add piece `number`, from 0, to a stream and say what to judge; the last piece may be empty.

        A piece that comes twice counts once. Errors: LostPieceError where pieces are missing or the stream is not
        known any more; FormatError where it grows too long.
        """
        self._forget_idle()
        stream = self._open.pop(name, None) or _Stream(self.clock())
        again = number == stream.pieces - 1 and piece == stream.latest
        if not again and number != stream.pieces:
            self._put_back(name, stream)
            raise LostPieceError(f"the stream has {stream.pieces} pieces here, this is number {number}")
        if not again:
            self._extend(stream, piece)
        stream.last = self.clock()
        if final:
            self._characters -= len(stream.text)
            return Stretch(stream.text, 0, whole=True)
        self._put_back(name, stream)
        self._make_room()
        start = max(0, len(stream.text) - len(piece) - OVERLAP)
        return Stretch(stream.text[start:], start, whole=start == 0)

    def _extend(self, stream: _Stream, piece: str) -> None:
        size = len(stream.text) + len(piece)
        if size > TEXT_BYTES // 4 and len((stream.text + piece).encode()) > TEXT_BYTES:
            self._characters -= len(stream.text)
            raise FormatError(f"the stream has over {TEXT_BYTES} bytes", hint="begin another stream")
        stream.text += piece
        stream.latest, stream.pieces = piece, stream.pieces + 1
        self._characters += len(piece)

    def _put_back(self, name: str, stream: _Stream) -> None:
        if stream.pieces:
            self._open[name] = stream

    def _forget_idle(self) -> None:
        before = self.clock() - self.idle
        while self._open and next(iter(self._open.values())).last < before:
            self._drop_oldest()

    def _make_room(self) -> None:
        while len(self._open) > self.most or (self._characters > self.most_characters and len(self._open) > 1):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, stream = self._open.popitem(last=False)
        self._characters -= len(stream.text)
