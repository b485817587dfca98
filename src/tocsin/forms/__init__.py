"""What passes between rooms: Arrow schemas, limits, ids and the error families."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tocsin.forms.errors import (
    INTERRUPTED,
    ConfigError,
    FormatError,
    PolicyError,
    TocsinError,
    TransportError,
    VerificationError,
)
from tocsin.forms.ids import digest_id
from tocsin.forms.rejects import Reject

if TYPE_CHECKING:
    from tocsin.forms.schemas import (
        ACTIVITY,
        CASES,
        FINDINGS,
        FINGERPRINTS,
        LABELS,
        MARK_CLOSE,
        MARK_OPEN,
        NETWORK,
        ROLES,
        SCORED,
        SCORES,
        SESSION_SCORES,
        SESSIONS,
        SKETCHES,
        STATUSES,
        TRAFFIC,
        TURNS,
    )

__all__ = [
    "ACTIVITY",
    "CASES",
    "FINDINGS",
    "FINGERPRINTS",
    "INTERRUPTED",
    "LABELS",
    "MARK_CLOSE",
    "MARK_OPEN",
    "NETWORK",
    "ROLES",
    "SCORED",
    "SCORES",
    "SESSIONS",
    "SESSION_SCORES",
    "SKETCHES",
    "STATUSES",
    "TRAFFIC",
    "TURNS",
    "ConfigError",
    "FormatError",
    "PolicyError",
    "Reject",
    "TocsinError",
    "TransportError",
    "VerificationError",
    "digest_id",
]


def __getattr__(name: str) -> Any:
    """Load the schemas when one is first asked for: Arrow comes with them, and `tocsin --help` does without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tocsin.forms.schemas"), name)
