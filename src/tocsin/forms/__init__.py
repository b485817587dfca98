"""What passes between rooms: Arrow schemas, limits, ids and the error families."""

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
from tocsin.forms.schemas import (
    ACTIVITY,
    CASES,
    FINDINGS,
    FINGERPRINTS,
    MARK_CLOSE,
    MARK_OPEN,
    NETWORK,
    ROLES,
    SCORES,
    SKETCHES,
    STATUSES,
    TRAFFIC,
)

__all__ = [
    "ACTIVITY",
    "CASES",
    "FINDINGS",
    "FINGERPRINTS",
    "INTERRUPTED",
    "MARK_CLOSE",
    "MARK_OPEN",
    "NETWORK",
    "ROLES",
    "SCORES",
    "SKETCHES",
    "STATUSES",
    "TRAFFIC",
    "ConfigError",
    "FormatError",
    "PolicyError",
    "Reject",
    "TocsinError",
    "TransportError",
    "VerificationError",
    "digest_id",
]
