"""Check whole columns of rows at once, and say of each row that fails why."""

from collections.abc import Callable, Iterable

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import NETWORK, ROLES, STATUSES, TRAFFIC
from tocsin.forms.limits import FIELD_BYTES, ID_BYTES, JSON_DEPTH, TEXT_BYTES
from tocsin.text import are_utf8
from tocsin.traffic.piece import Piece
from tocsin.traffic.times import TIME, convert_times, parse_times

NAMES = {column: column if column != "event_id" else "id" for column in TRAFFIC.names}
REQUIRED = ("event_id", "time", "account", "role", "text")
LIMITS = {"event_id": ID_BYTES, "text": TEXT_BYTES}
_ZERO = pa.scalar(0, pa.int32())
_NOT_EMPTY = ("event_id", "account")
_ROLES, _STATUSES = pa.array(ROLES), pa.array([*STATUSES, None])
_TEXTS = tuple(field.name for field in TRAFFIC if field.type == pa.string())

Mask = npt.NDArray[np.bool_]


class _Object(msgspec.Struct):
    """Any JSON object."""


_decode_object = msgspec.json.Decoder(_Object).decode


class Sieve:
    """Gather why rows fail; the first reason given for a row stands."""

    def __init__(self, rows: int) -> None:
        self.good: Mask = np.ones(rows, np.bool_)
        self._reasons: dict[int, str] = {}

    def refuse(self, bad: pa.Array | Mask, reason: str | Callable[[int], str]) -> None:
        """Refuse the rows where `bad` is true, null counting as false; `reason` may depend on the row."""
        mask = bad if isinstance(bad, np.ndarray) else np.asarray(pc.fill_null(bad, False))
        for row in np.flatnonzero(mask & self.good).tolist():
            self._reasons[row] = reason if isinstance(reason, str) else reason(row)
        self.good &= ~mask

    def reasons(self, positions: npt.NDArray[np.int64]) -> list[tuple[int, str]]:
        """Return (position, reason) of the refused rows."""
        return [(int(positions[row]), why) for row, why in sorted(self._reasons.items())]


def checked_piece(
    columns: dict[str, pa.Array],
    positions: npt.NDArray[np.int64],
    rejects: Iterable[tuple[int, str]] = (),
    *,
    required: Iterable[str] = REQUIRED,
) -> Piece:
    """Make a piece of the columns, refusing every row that breaks a rule of the native form.

    columns: by name of TRAFFIC, absent ones are null; texts as string arrays whose bytes may be anything, `time` and
    `signed_up` as strings or timestamps, tokens as integers or floats. rejects: of rows that never became columns.
    """
    rows = len(positions)
    sieve = Sieve(rows)
    given = {name: columns.get(name, pa.nulls(rows, TRAFFIC.field(name).type)) for name in TRAFFIC.names}
    _check_required(given, sieve, required)
    _check_texts(given, sieve)
    made = {name: _finished(name, column, sieve) for name, column in given.items()}
    batch = pa.RecordBatch.from_arrays([made[name] for name in TRAFFIC.names], schema=TRAFFIC)
    if sieve.good.all():
        return Piece(batch, positions, tuple(rejects))
    refused = sorted([*rejects, *sieve.reasons(positions)], key=lambda reject: reject[0])
    return Piece(batch.filter(pa.array(sieve.good)), positions[sieve.good], tuple(refused))


def _check_required(given: dict[str, pa.Array], sieve: Sieve, required: Iterable[str]) -> None:
    for name in required:
        if given[name].null_count:
            sieve.refuse(pc.is_null(given[name]), f"{NAMES[name]} is missing")


def _check_texts(given: dict[str, pa.Array], sieve: Sieve) -> None:
    for name in _TEXTS:
        _check_text(NAMES[name], given[name], LIMITS.get(name, FIELD_BYTES), sieve)
        if name in _NOT_EMPTY:
            sieve.refuse(pc.equal(pc.binary_length(given[name]), _ZERO), f"{NAMES[name]} is empty")
    network = given["network"]
    if network.null_count < len(network):
        for name in ("asn", "country"):
            _check_text(f"network.{name}", pc.struct_field(network, name), FIELD_BYTES, sieve)
    sieve.refuse(pc.invert(pc.is_in(given["role"], _ROLES)), "unknown role")
    if given["status"].null_count < len(given["status"]):
        sieve.refuse(pc.invert(pc.is_in(given["status"], _STATUSES)), "unknown status")
    _check_attributes(given["attributes"], sieve)


def _check_text(name: str, texts: pa.Array, limit: int, sieve: Sieve) -> None:
    if texts.null_count == len(texts):
        return
    lengths = pc.binary_length(texts)
    if pc.max(lengths).as_py() > limit:
        sieve.refuse(pc.greater(lengths, limit), lambda row: f"{name} is {lengths[row]} bytes, limit {limit}")
    if not are_utf8(texts):
        sieve.refuse(np.array([not _is_text(value) for value in texts]), f"{name} is not UTF-8")


def _is_text(value: pa.StringScalar) -> bool:
    try:
        value.as_py()
    except UnicodeDecodeError:
        return False
    return True


def _check_attributes(attributes: pa.Array, sieve: Sieve) -> None:
    if attributes.null_count == len(attributes):
        return
    bad = np.zeros(len(attributes), np.bool_)
    bad[sieve.good] = [not _is_object(value.as_py()) for value in attributes.filter(pa.array(sieve.good))]
    sieve.refuse(bad, "attributes is not a JSON object")
    brackets = pc.add(pc.count_substring(attributes, "["), pc.count_substring(attributes, "{"))
    suspect = np.asarray(pc.fill_null(pc.greater(brackets, JSON_DEPTH), False)) & sieve.good
    deep = [row for row in np.flatnonzero(suspect).tolist() if json_depth(attributes[row].as_py()) > JSON_DEPTH]
    bad = np.zeros(len(attributes), np.bool_)
    bad[deep] = True
    sieve.refuse(bad, f"attributes is nested deeper than {JSON_DEPTH}")


def _is_object(text: str | None) -> bool:
    try:
        return text is None or _decode_object(text) is not None
    except (msgspec.MsgspecError, ValueError):
        return False
    except RecursionError:  # told apart below, by counting
        return True


def json_depth(text: str) -> int:
    """Return how deep the brackets of a JSON text nest, without going down with them."""
    depth = deepest = 0
    quoted = escaped = False
    for sign in text:
        if quoted:
            quoted, escaped = escaped or sign != '"', not escaped and sign == "\\"
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
        else:
            quoted = sign == '"'
    return deepest


def _finished(name: str, column: pa.Array, sieve: Sieve) -> pa.Array:
    """Return the column as TRAFFIC has it, refusing the rows that cannot be."""
    wanted = TRAFFIC.field(name).type
    if wanted == TIME and pa.types.is_string(column.type):
        return _timed(name, column, parse_times(column), "is not ISO 8601", sieve)
    if wanted == TIME:
        return _timed(name, column, convert_times(column), "is out of range", sieve)
    if wanted == pa.int64():
        return _counted(name, column, sieve)
    return column.cast(NETWORK) if name == "network" else column


def _timed(name: str, given: pa.Array, times: pa.Array, why: str, sieve: Sieve) -> pa.Array:
    if times.null_count > given.null_count:
        sieve.refuse(pc.and_(pc.is_null(times), pc.is_valid(given)), f"{name} {why}")
    return times


def _counted(name: str, numbers: pa.Array, sieve: Sieve) -> pa.Array:
    if numbers.null_count == len(numbers):
        return pa.nulls(len(numbers), pa.int64())
    if pa.types.is_integer(numbers.type) and 0 <= pc.min(numbers).as_py() <= pc.max(numbers).as_py() < 2**63:
        return numbers.cast(pa.int64())
    if pa.types.is_floating(numbers.type):  # how some writers store whole numbers with gaps
        numbers = numbers.cast(pa.float64())
        numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
        whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(numbers, float(2**63)))
        whole = pc.and_(whole, pc.greater_equal(numbers, 0.0))
    elif pa.types.is_unsigned_integer(numbers.type):
        whole = pc.less_equal(numbers.cast(pa.uint64()), pa.scalar(2**63 - 1, pa.uint64()))
    else:
        whole = pc.greater_equal(numbers.cast(pa.int64()), 0)
    sieve.refuse(pc.invert(whole), f"{name} is not a whole number")
    return pc.if_else(whole, numbers, pa.scalar(None, numbers.type)).cast(pa.int64())
