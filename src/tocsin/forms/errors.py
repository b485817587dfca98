"""The five error families; one table gives each its exit code."""


class TocsinError(Exception):
    """Say what is wrong in a lower-case snippet, and in `hint` what to do about it.

    A message names the thing and both values. It never holds content or an identifier in clear: it may be logged.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class VerificationError(TocsinError):
    """Raise when a claim was checked and is not true."""

    exit_code = 1


class ConfigError(TocsinError):
    """Raise when usage or configuration is wrong."""

    exit_code = 2


class FormatError(TocsinError):
    """Raise when bytes are not what their form says."""

    exit_code = 3


class TransportError(TocsinError):
    """Raise when a file or a peer cannot be reached, read or written."""

    exit_code = 4


class PolicyError(TocsinError):
    """Raise when something is possible but not allowed."""

    exit_code = 5


INTERRUPTED = 130
