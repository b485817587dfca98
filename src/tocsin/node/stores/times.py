"""Times as the tables hold them: whole microseconds since 1970, UTC; exact for every time that an event may bear."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def micros(when: datetime) -> int:
    """Write a time as microseconds since 1970."""
    return (when - _EPOCH) // _MICRO


def moment(micro: int) -> datetime:
    """Read a time."""
    return _EPOCH + micro * _MICRO
