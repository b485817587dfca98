"""A row that could not become an event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reject:
    """Say where a row stood and why it was refused, never what it held.

    Units: position is the 1-based line (text logs) or row (Parquet); 0 speaks of the source as a whole.
    """

    source: str
    position: int
    reason: str
