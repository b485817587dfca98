"""The five error families; each has its exit code and what to do where nothing better is known."""


class TocsinError(Exception):
    """Say what is wrong in a lower-case snippet, and in `hint` what to do about it.

    A message names the thing and both values. It never holds content or an identifier in clear: it may be logged.
    """

    exit_code = 1
    remedy = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.remedy


class VerificationError(TocsinError):
    """Raise when a claim was checked and is not true."""

    exit_code = 1
    remedy = "do not rely on it; keep what you were shown, and ask whoever vouches for it"


class ConfigError(TocsinError):
    """Raise when usage or configuration is wrong."""

    exit_code = 2
    remedy = "--help says what may be given"


class FormatError(TocsinError):
    """Raise when bytes are not what their form says."""

    exit_code = 3
    remedy = "it is damaged or another kind of file; get it again from where it came"


class TransportError(TocsinError):
    """Raise when a file or a peer cannot be reached, read or written."""

    exit_code = 4
    remedy = "check the path or address, and try again"


class PolicyError(TocsinError):
    """Raise when something is possible but not allowed."""

    exit_code = 5
    remedy = "ask whoever may allow it"


INTERRUPTED = 130
