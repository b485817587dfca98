"""Read points in time: ISO 8601 texts and Arrow timestamps of any unit and zone, as microseconds of UTC."""

import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TIME = pa.timestamp("us", tz="UTC")
_NAIVE = pa.timestamp("us")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_FIRST = int(datetime.min.replace(tzinfo=UTC).timestamp()) * 1_000_000
_LAST = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()) * 1_000_000 + 999_999
_ZERO = pa.scalar(0, pa.int64())
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def parse_times(texts: pa.Array) -> pa.Array:
    """Return the points in time the texts name, null where a text is none; without a zone UTC is meant."""
    for kind in (TIME, _NAIVE):  # all with a zone, or all without: Arrow reads them at once
        try:
            return convert_times(pc.cast(texts, kind))
        except pa.ArrowInvalid:
            continue
    raw = texts.cast(pa.binary()).to_pylist()  # may not be UTF-8
    return pa.array([parse_time(text and text.decode(errors="replace")) for text in raw], TIME)


def parse_time(text: str | None) -> datetime | None:
    """Return the point in time an ISO 8601 text names, None where it names none."""
    found = _ISO.fullmatch(text or "")
    if not found:
        return None
    day, hour, minute, second, fraction, zone = found.groups()
    plain = f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}.{(fraction or '0')[:6]:0<6}"
    try:
        time = datetime.fromisoformat(plain + (zone or "Z").upper())
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def from_epoch(seconds: float) -> datetime | None:
    """Return the point in time so many seconds after 1970, None where the calendar ends before it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def convert_times(times: pa.Array) -> pa.Array:
    """Return Arrow timestamps of any unit and zone as TIME, null where the calendar of years 1 to 9999 ends."""
    unit = times.type.unit
    ticks = times.cast(pa.int64())
    least, most = _bounds(unit)
    values = np.asarray(pc.fill_null(ticks, _ZERO))
    if len(values) and not least <= values.min() <= values.max() <= most:
        ticks = pa.array(values, mask=(values < least) | (values > most) | np.asarray(pc.is_null(ticks)))
    return pc.cast(ticks.cast(pa.timestamp(unit, "UTC")), TIME, safe=False)


def _bounds(unit: str) -> tuple[int, int]:
    """Return the first and last tick of the years 1 to 9999 that 64 bits can hold."""
    per_second = _PER_SECOND[unit]
    return max(-(2**63), _FIRST * per_second // 1_000_000), min(2**63 - 1, _LAST * per_second // 1_000_000)
