"""Numbers for new rows: they grow with time, and two writers hardly ever draw the same."""

from tocsin.node.keys import Random

_RANDOM_BITS = 21


def time_id(now: int, random: Random) -> int:
    """Draw a number of 63 bits: milliseconds since 1970, then chance. `now` is in microseconds."""
    return (now // 1000) << _RANDOM_BITS | int.from_bytes(random(4)) >> (32 - _RANDOM_BITS)
