"""Give each turn of retold conversations a name that says what it is, so that telling it again adds nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.forms import TRAFFIC, FormatError, digest_id
from tocsin.traffic.calls import Call, UnusableLineError, encoded
from tocsin.traffic.checks import checked_piece
from tocsin.traffic.jsonl import line_problem
from tocsin.traffic.lines import BLANK, Block, is_utf8
from tocsin.traffic.otlp import Span, decode_json
from tocsin.traffic.piece import Piece
from tocsin.traffic.seen import SeenIds
from tocsin.traffic.spans import read_span

_REQUIRED = ("event_id", "time", "role", "text")
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """Hold what spans tell.

    lines: native objects, each id once; refused: (place of the span, reason); others: spans that are no model call.
    """

    lines: tuple[Line, ...]
    refused: tuple[tuple[int, str], ...]
    others: int


def tell(spans: Iterable[Span], key: bytes = b"") -> Told:
    """Return the turns that the spans hold, as lines of the native form.

    A turn is named by account, session, role, text and how many times its call has said it so far. The name depends on
    nothing outside the call: neither on what came before nor on how often or in which pieces it comes. key: at most 64
    bytes; with it nobody else can tell from a name whether a guess at the text is right.
    """
    lines: dict[str, Line] = {}
    refused: list[tuple[int, str]] = []
    others = 0
    for place, span in enumerate(spans):
        try:
            call = read_span(span)
        except UnusableLineError as problem:
            refused.append((place, str(problem)))
            continue
        others += call is None
        for line in _lines(call, span.trace, key) if call else ():
            lines.setdefault(line["id"], line)
    return Told(tuple(lines.values()), tuple(refused), others)


def _lines(call: Call, trace: str, key: bytes) -> Iterator[Line]:
    session = call.session or _session(call, trace)
    said: Counter[tuple[str, str]] = Counter()
    bearer = len(call.asked)  # tokens count once, on the first answer
    for at, turn in enumerate((*call.asked, *call.answered)):
        content = (turn.role, turn.text.strip())
        said[content] += 1
        tokens = call.tokens if at == bearer else (None, None)
        line = call.columns | {
            "id": _name(key, call.account or "", session, *content, str(said[content])),
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
        yield {name: value for name, value in line.items() if value is not None}


def _session(call: Call, trace: str) -> str:
    """Name a session after who began it and how; of strangers only one trace is known to be one conversation."""
    first = next((turn for turn in call.asked if turn.role == "user"), None)
    if call.account is None or first is None:
        return digest_id("s", call.account or "", trace)
    return digest_id("s", call.account, first.text.strip())


def _name(key: bytes, *parts: str) -> str:
    """Return 128 bits in hex: nobody finds two texts of one name, of which the second would be passed over."""
    whole = b"".join(len(raw).to_bytes(8, "big") + raw for raw in (part.encode() for part in parts))
    return f"o-{blake2b(whole, digest_size=16, key=key).hexdigest()}"


class Retold:
    """Read lines of exported spans, each turn once."""

    def __init__(self, seen: SeenIds) -> None:
        self._seen = seen

    def read(self, block: Block) -> Piece:
        """Read a block of lines, each an ExportTraceServiceRequest in JSON."""
        rows: list[Line] = []
        rejects: list[tuple[int, str]] = []
        for position, line in enumerate(block.lines, block.position):
            if line is not None and not line.strip(BLANK):
                continue
            spans, problem = _spans(line, block)
            told = tell(spans)
            rows += [row | {"position": position} for row in told.lines]
            rejects += [(position, reason) for reason in (problem, *(reason for _, reason in told.refused)) if reason]
        return _piece(self._new(rows), rejects)

    def _new(self, rows: list[Line]) -> list[Line]:
        """Return the rows that were not told before."""
        names = b"".join(bytes.fromhex(row["id"][2:]) for row in rows)
        new = self._seen.add_keys(np.frombuffer(names, np.uint64).reshape(-1, 2).T)
        return [row for row, is_new in zip(rows, new.tolist(), strict=True) if is_new]


def _spans(line: bytes | None, block: Block) -> tuple[list[Span], str | None]:
    if line is None or not (block.utf8 or is_utf8(line)):
        return [], line_problem(line, ValueError())
    try:
        return decode_json(line), None
    except FormatError as problem:
        return [], str(problem)


def _piece(rows: list[Line], rejects: list[tuple[int, str]]) -> Piece:
    columns = {name: pa.array([_cell(row, name) for row in rows], _TYPES[name]) for name in TRAFFIC.names}
    return checked_piece(columns, np.array([row["position"] for row in rows], np.int64), rejects, required=_REQUIRED)


_TYPES = {field.name: pa.string() if field.name == "time" else field.type for field in TRAFFIC}


def _cell(row: Line, name: str) -> Any:
    value = row.get("id" if name == "event_id" else name)
    return encoded(value) if name == "attributes" and value is not None else value
