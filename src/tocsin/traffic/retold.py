"""Give each turn of retold conversations a name that says what it is, so that telling it again adds nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.forms import TRAFFIC, FormatError, digest_id
from tocsin.traffic.calls import Call, UnusableLineError
from tocsin.traffic.checks import checked_piece
from tocsin.traffic.jsonl import line_problem
from tocsin.traffic.lines import BLANK, Block, is_utf8
from tocsin.traffic.otlp import Span, decode_json
from tocsin.traffic.piece import Piece
from tocsin.traffic.seen import SeenIds
from tocsin.traffic.spans import read_span

_REQUIRED = ("event_id", "time", "role", "text")
_TYPES = {field.name: pa.string() if field.name == "time" else field.type for field in TRAFFIC}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what spans tell.

    rows: turns by column of TRAFFIC, times as text, each id once; refused: (place of the span, reason); others: how
    many spans are no model call.
    """

    rows: tuple[Row, ...]
    refused: tuple[tuple[int, str], ...]
    others: int

    @property
    def piece(self) -> Piece:
        """Make a batch of the turns, refusing those that break a rule of the native form; positions count from 0."""
        return as_piece([row | {"position": at} for at, row in enumerate(self.rows)])


def tell(spans: Iterable[Span]) -> Told:
    """Return the turns that the spans hold, each once."""
    rows: dict[str, Row] = {}
    refused: list[tuple[int, str]] = []
    others = 0
    for place, span in enumerate(spans):
        try:
            call = read_span(span)
        except UnusableLineError as problem:
            refused.append((place, str(problem)))
            continue
        others += call is None
        for row in turns_of(call, span.trace) if call else ():
            rows.setdefault(row["event_id"], row)
    return Told(tuple(rows.values()), tuple(refused), others)


def turns_of(call: Call, otherwise: str) -> Iterator[Row]:
    """Yield a row for every turn of a call.

    A turn is named by account, session, role, text and how many times its call has said it so far. The name depends on
    nothing outside the call: neither on what came before nor on how often or in which pieces it comes. otherwise: names
    the session where nothing else does.
    """
    session = call.session or _session(call, otherwise)
    said: Counter[tuple[str, str]] = Counter()
    bearer = len(call.asked)  # tokens count once, on the first answer
    for at, turn in enumerate((*call.asked, *call.answered)):
        content = (turn.role, turn.text.strip())
        said[content] += 1
        tokens = call.tokens if at == bearer else (None, None)
        yield call.columns | {
            "event_id": _name(call.account or "", session, *content, str(said[content])),
            "time": call.time.isoformat(),
            "account": call.account,
            "session": session,
            "role": turn.role,
            "text": turn.text,
            "tool": turn.tool,
            "status": turn.status,
            "tokens_in": tokens[0],
            "tokens_out": tokens[1],
        }


def _session(call: Call, otherwise: str) -> str:
    """Name a session after who began it and how; of strangers no two calls are known to be one conversation."""
    first = next((turn for turn in call.asked if turn.role == "user"), None)
    if call.account is None or first is None:
        return digest_id("s", call.account or "", otherwise)
    return digest_id("s", call.account, first.text.strip())


def _name(*parts: str) -> str:
    """Return 128 bits in hex: nobody finds two texts of one name, of which the second would be passed over."""
    whole = b"".join(len(raw).to_bytes(8, "big") + raw for raw in (part.encode() for part in parts))
    return f"o-{blake2b(whole, digest_size=16).hexdigest()}"


class Retold:
    """Read lines of exported spans, each turn once."""

    def __init__(self, seen: SeenIds) -> None:
        self._seen = seen

    def read(self, block: Block) -> Piece:
        """Read a block of lines, each an ExportTraceServiceRequest in JSON."""
        rows: list[Row] = []
        rejects: list[tuple[int, str]] = []
        for position, line in enumerate(block.lines, block.position):
            if line is None or line.strip(BLANK):
                more, reasons = read_export(line, utf8=block.utf8)
                rows += [row | {"position": position} for row in more]
                rejects += [(position, reason) for reason in reasons]
        return as_piece(self._new(rows), rejects)

    def _new(self, rows: list[Row]) -> list[Row]:
        """Return the rows that were not told before."""
        names = b"".join(bytes.fromhex(row["event_id"][2:]) for row in rows)
        new = self._seen.add_keys(np.frombuffer(names, np.uint64).reshape(-1, 2).T)
        return [row for row, is_new in zip(rows, new.tolist(), strict=True) if is_new]


def read_export(line: bytes | None, *, utf8: bool = False) -> tuple[Sequence[Row], list[str]]:
    """Return the turns that a line of exported spans holds, and the reasons why others could not be read."""
    if line is None or not (utf8 or is_utf8(line)):
        return (), [line_problem(line, ValueError())]
    try:
        told = tell(decode_json(line))
    except FormatError as problem:
        return (), [str(problem)]
    return told.rows, [reason for _, reason in told.refused]


def as_piece(rows: Sequence[Row], rejects: Iterable[tuple[int, str]] = ()) -> Piece:
    """Make a piece of rows, each with its position."""
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in _TYPES.items()}
    return checked_piece(columns, np.array([row["position"] for row in rows], np.int64), rejects, required=_REQUIRED)
