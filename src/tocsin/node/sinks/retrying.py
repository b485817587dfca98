"""When a message is tried again, and when it is given up; pure. Times are microseconds."""

SECOND = 1_000_000
_FIRST, _LONGEST = 5 * SECOND, 3600 * SECOND
_SPREAD = 0.2  # so that many messages do not all come back at once
_REST_MOST = 60 * SECOND
_AFTER_MOST = 24 * 3600 * SECOND
FARTHEST = _AFTER_MOST + _LONGEST
"""No next try lies beyond this; one that does was planned by a clock that has been set back since."""


def wait_after(tries: int, chance: float, asked: int | None = None) -> int:
    """How long to wait after the `tries`th try failed: 5 s, 20 s, 80 s … an hour, and longer where it was asked for.

    `chance` is drawn from 0 to 1.
    """
    planned = min(_grown(tries), _LONGEST)
    spread = round(planned * (1 + _SPREAD * (2 * chance - 1)))
    return max(spread, min(asked or 0, _AFTER_MOST))


def rest_after(tries: int) -> int:
    """How long to leave a receiver alone that does not answer: at most a minute, for it may be back."""
    return min(_grown(tries), _REST_MOST)


def _grown(tries: int) -> int:
    return _FIRST << 2 * min(tries - 1, 10)


def is_too_old(made: int, next_try: int, hours: int) -> bool:
    """Say whether a message is given up rather than tried again."""
    return next_try - made > hours * 3600 * SECOND


def asked_to_wait(header: str | None) -> int | None:
    """Read `Retry-After` in seconds; its form with a date is not used by what we talk to."""
    return int(header) * SECOND if header and header.isascii() and header.isdigit() and len(header) < 8 else None
