"""Read points in time that indicators carry."""

from datetime import UTC, datetime


def parse_moment(value: object) -> datetime | None:
    """Return the point in time that an ISO 8601 text names, UTC where it names no zone; None where it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
