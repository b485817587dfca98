"""Read lines of any form from a stream that may be cut anywhere and sent again: nothing is remembered between calls."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from tocsin.forms import TRAFFIC
from tocsin.forms.limits import LINE_BYTES
from tocsin.traffic.calls import UnusableLineError, parse_call
from tocsin.traffic.forms import form_of
from tocsin.traffic.jsonl import line_problem, read_native
from tocsin.traffic.lines import Block
from tocsin.traffic.piece import Piece
from tocsin.traffic.retold import Row, as_piece, read_export, turns_of


def read_mixed(lines: Sequence[bytes | None]) -> Piece:
    """Read native lines, chat-completion logs and exported spans, told apart line by line; positions count from 1.

    Turns of chat logs and spans are named by what they say (`turns_of`), so that the history a log sends again, and
    lines that come again, give the same ids. None stands for a line that was too long.
    """
    native: list[bytes | None] = []
    rows: dict[str, Row] = {}
    rejects: list[tuple[int, str]] = []
    for position, line in enumerate(lines, 1):
        form = form_of(line) if line is not None and len(line) <= LINE_BYTES else None
        more: Sequence[Row] = ()
        if form in ("chat", "otlp"):
            more, reasons = read_export(line) if form == "otlp" else _call(line or b"")
            rejects += [(position, reason) for reason in reasons]
        for row in more:
            rows.setdefault(row["event_id"], row | {"position": position})
        native.append(b"" if form in ("chat", "otlp") else line if line is None or len(line) <= LINE_BYTES else None)
    return _together(read_native(Block(1, native, utf8=False)), as_piece(list(rows.values()), rejects))


def _call(line: bytes) -> tuple[Sequence[Row], list[str]]:
    try:
        call = parse_call(msgspec.json.decode(line))
    except UnusableLineError as problem:
        return (), [str(problem)]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return (), [line_problem(line, error)]
    return list(turns_of(call, call.id or "")), []


def _together(left: Piece, right: Piece) -> Piece:
    positions = np.concatenate([left.positions, right.positions])
    order = np.argsort(positions, kind="stable")
    table = pa.Table.from_batches([left.traffic, right.traffic], TRAFFIC).take(pa.array(order)).combine_chunks()
    batch = (table.to_batches() or [left.traffic])[0]
    return Piece(batch, positions[order], tuple(sorted([*left.rejects, *right.rejects])))
