"""Read chat-completion logs: every turn once, although each call sends the whole conversation again."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from tocsin.forms import TRAFFIC, digest_id
from tocsin.traffic.calls import Call, Turn, UnusableLineError, parse_call
from tocsin.traffic.checks import checked_piece
from tocsin.traffic.jsonl import line_problem
from tocsin.traffic.lines import BLANK, Block, is_utf8
from tocsin.traffic.piece import Piece
from tocsin.traffic.seen import SeenIds

REQUIRED = ("event_id", "time", "role", "text")
_OPEN_CALLS = 1 << 16  # requests remembered until their response comes on a line of its own


@dataclass(frozen=True, slots=True)
class _Marks:
    """Name a turn by what it says, and by that together with the turn before it."""

    alone: bytes
    after: bytes


class Conversations:
    """Know which turns of all conversations were given out, in memory that does not grow with their number.

    A turn counts as known if an earlier line held it after the same turn of the same conversation; a conversation's
    first turn, which may have lost the one before it, and a turn of the assistant if an earlier line held it at all.
    The last turn that a request adds is always new: people say "yes" twice.
    """

    def __init__(self, seen: SeenIds) -> None:
        self.seen = seen
        self._open: OrderedDict[str, tuple[str | None, str | None]] = OrderedDict()

    def read(self, block: Block, source: str) -> Piece:
        """Read a block of lines; `source` names where they stand."""
        rejects: list[tuple[int, str]] = []
        lines = [_Line(position, self._placed(call)) for position, call in _calls(block, rejects)]
        known = self._known([mark for line in lines for mark in line.marks])
        rows = [row for line in lines for row in _rows(line, known, source)]
        return _piece(rows, rejects)

    def _placed(self, call: Call) -> Call:
        """Return the call with its account and session: those of its request, where that came on a line of its own."""
        if call.id and not call.asked and call.id in self._open:
            account, session = self._open.pop(call.id)
            return replace(call, account=call.account or account, session=call.session or session)
        call = replace(call, session=call.session or _derived_session(call))
        if call.id and not call.answered:
            self._open[call.id] = call.account, call.session
            if len(self._open) > _OPEN_CALLS:
                self._open.popitem(last=False)
        return call

    def _known(self, marks: list[bytes]) -> set[bytes]:
        """Return the marks that an earlier block held, and remember them all."""
        keys = np.frombuffer(b"".join(marks), np.uint64).reshape(-1, 2).T
        new = self.seen.add_keys(keys)
        return set(marks).difference(mark for mark, is_new in zip(marks, new.tolist(), strict=True) if is_new)


class _Line:
    """Hold the call of one line and the marks of its turns."""

    def __init__(self, position: int, call: Call) -> None:
        self.position, self.call = position, call
        self.told = _told(call)

    @property
    def marks(self) -> list[bytes]:
        return [mark for turn in self.told for mark in (turn.alone, turn.after)]


def _calls(block: Block, rejects: list[tuple[int, str]]) -> Iterator[tuple[int, Call]]:
    for position, line in enumerate(block.lines, block.position):
        try:
            if line is None or not (block.utf8 or is_utf8(line)):
                raise ValueError
            yield position, parse_call(msgspec.json.decode(line))
        except UnusableLineError as problem:
            rejects.append((position, str(problem)))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            if line is None or line.strip(BLANK):
                rejects.append((position, line_problem(line, error)))


def _derived_session(call: Call) -> str | None:
    """Name a session after who began it and how, so that every call of a growing conversation names the same."""
    first = next((turn for turn in call.asked if turn.role == "user"), None)
    return digest_id("s", call.account or "", first.text.strip()) if first else None


def _told(call: Call) -> list[_Marks]:
    """Mark every turn; system prompts stand outside the order, since operators change them in mid-conversation."""
    scope = _digest((call.account or "").encode(), (call.session or "").encode())
    before, told = scope, []
    for turn in (*call.asked, *call.answered):
        alone = _digest(scope, turn.role.encode(), (turn.tool or "").encode(), turn.text.strip().encode())
        told.append(_Marks(alone, _digest(before, alone)))
        before = before if turn.role == "system" else alone
    return told


def _digest(*parts: bytes) -> bytes:
    lengths = b"".join(len(part).to_bytes(8, "big") for part in parts)
    return blake2b(lengths + b"".join(parts), digest_size=16).digest()


def _new_turns(line: _Line, known: set[bytes]) -> Iterator[tuple[int, Turn]]:
    """Yield the turns that no earlier line held, with their place in the call."""
    asked = line.call.asked
    talk = [at for at, turn in enumerate(asked) if turn.role != "system"]
    last = talk[-1] if talk and asked[talk[-1]].role != "assistant" else None
    prompts: set[bytes] = set()
    for at, (turn, marks) in enumerate(zip((*asked, *line.call.answered), line.told, strict=True)):
        if at == last or at >= len(asked):
            yield at, turn
        elif turn.role == "system":
            if marks.alone not in known | prompts:
                yield at, turn
            prompts.add(marks.alone)
        elif (marks.alone if turn.role == "assistant" or at == talk[0] else marks.after) not in known:
            yield at, turn


def _rows(line: _Line, known: set[bytes], source: str) -> Iterator[dict[str, Any]]:
    """Yield a row for every new turn of a line, and count all its turns as known from then on."""
    call, turns = line.call, list(_new_turns(line, known))
    known.update(line.marks)
    bearer = next((at for at, _ in turns if at >= len(call.asked)), turns[-1][0] if turns else None)
    for at, turn in turns:
        tokens = call.tokens if at == bearer else (None, None)
        place = str(at) if at < len(call.asked) else f"r{at - len(call.asked)}"
        name = f"{call.id}#{place}" if call.id else digest_id("t", source, str(line.position), place)
        yield call.columns | {
            "position": line.position,
            "event_id": name,
            "time": call.time,
            "account": call.account,
            "session": call.session,
            "role": turn.role,
            "text": turn.text,
            "tool": turn.tool,
            "status": turn.status or call.columns.get("status"),
            "tokens_in": tokens[0],
            "tokens_out": tokens[1],
        }


def _piece(rows: list[dict[str, Any]], rejects: list[tuple[int, str]]) -> Piece:
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in TRAFFIC}
    positions = np.array([row["position"] for row in rows], np.int64)
    return checked_piece(columns, positions, rejects, required=REQUIRED)
