"""Read native JSON lines: one event a line."""

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Meta, Raw, Struct

from tocsin.forms import NETWORK, TRAFFIC
from tocsin.forms.limits import LINE_BYTES
from tocsin.traffic.checks import checked_piece
from tocsin.traffic.lines import BLANK, Block, is_utf8
from tocsin.traffic.piece import Piece

TOO_LONG = f"line is longer than {LINE_BYTES} bytes"
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class _Network(Struct, gc=False):
    asn: str | int | None = None
    country: str | None = None


class _Line(Struct, gc=False):
    """The native form; a time stays text until whole columns are read at once."""

    id: str
    time: str
    account: str
    role: str
    text: str
    session: str | None = None
    org: str | None = None
    key_id: str | None = None
    end_user: str | None = None
    client: str | None = None
    network: _Network | str | None = None
    device: str | None = None
    payment: str | None = None
    signed_up: str | None = None
    model: str | None = None
    tokens_in: _Count | None = None
    tokens_out: _Count | None = None
    status: str | None = None
    tool: str | None = None
    lang: str | None = None
    attributes: Raw = Raw()


_decode = msgspec.json.Decoder(_Line).decode
_COLUMNS = {field.name: attrgetter("id" if field.name == "event_id" else field.name) for field in TRAFFIC}
_EXPECTED = {
    "tokens_in": "a whole number",
    "tokens_out": "a whole number",
    "network": "an object or a string",
}
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def read_native(block: Block) -> Piece:
    """Read a block of native JSON lines."""
    rows: list[_Line] = []
    positions: list[int] = []
    rejects: list[tuple[int, str]] = []
    for position, line in enumerate(block.lines, block.position):
        try:
            if line is None or not (block.utf8 or is_utf8(line)):
                raise ValueError
            rows.append(_decode(line))
            positions.append(position)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            if line is None or line.strip(BLANK):
                rejects.append((position, line_problem(line, error)))
    return checked_piece(_columns(rows), np.array(positions, np.int64), rejects)


def read_lines(lines: Sequence[bytes]) -> Piece:
    """Read native JSON lines that are at hand, each of them one line whatever it holds; positions count from 1."""
    short = [line if len(line) <= LINE_BYTES else None for line in lines]
    return read_native(Block(1, short, utf8=False))


def _columns(rows: list[_Line]) -> dict[str, pa.Array]:
    values = {name: list(map(get, rows)) for name, get in _COLUMNS.items()}
    networks = _networks(values.pop("network"))
    attributes = _raw_texts(values.pop("attributes"))
    columns = {name: pa.array(column, _ARROW[name]) for name, column in values.items()}
    return columns | {"network": networks, "attributes": attributes}


_ARROW = {field.name: field.type if field.type == pa.int64() else pa.string() for field in TRAFFIC}


def _networks(values: list[_Network | str | None]) -> pa.Array:
    if not any(values):
        return pa.nulls(len(values), NETWORK)
    made = [value if value is None or isinstance(value, _Network) else _Network(value) for value in values]
    asns = [None if value is None or value.asn is None else str(value.asn) for value in made]
    countries = [value and value.country for value in made]
    mask = pa.array(np.array([value is None for value in made]))
    arrays = [pa.array(asns, pa.string()), pa.array(countries, pa.string())]
    return pa.StructArray.from_arrays(arrays, fields=list(NETWORK), mask=mask)


def _raw_texts(values: list[Raw]) -> pa.Array:
    texts = [bytes(value) or None for value in values]
    return pa.array([None if text == b"null" else text for text in texts], pa.binary()).cast(pa.string(), safe=False)


def line_problem(line: bytes | None, error: Exception) -> str:
    """Say in a few stable words why a line is refused, and nothing of what it holds."""
    if line is None:
        return TOO_LONG
    if not is_utf8(line):
        return "line is not UTF-8"
    if isinstance(error, RecursionError):
        return "JSON is nested too deep"
    if isinstance(error, msgspec.ValidationError):
        return _field_problem(str(error))
    return "lone surrogate" if _has_lone_surrogate(line) else "not JSON"


def _field_problem(message: str) -> str:
    """Turn what msgspec says into our words: only the name of a known field is taken over."""
    if found := re.search(r"missing required field `(\w+)`", message):
        return f"{found[1]} is missing"
    if not (found := re.search(r"at `\$\.(\w+)", message)):
        return "not a JSON object"
    if "got `null`" in message:
        return f"{found[1]} is missing"
    return f"{found[1]} is not {_EXPECTED.get(found[1], 'a string')}"


def _has_lone_surrogate(line: bytes) -> bool:
    healed = _SURROGATE.sub(rb"\\u0041", line)
    try:
        decode_any(healed)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return healed != line


def decode_any(line: bytes) -> Any:
    """Decode any JSON value; raises MsgspecError, ValueError or RecursionError."""
    return msgspec.json.decode(line)
