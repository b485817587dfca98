"""Strict readers of the small forms that C2SP texts share: one spelling for each value, anything else is refused."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from tocsin.forms.errors import FormatError

MOST = 2**63 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def read_decimal(text: str, what: str) -> int:
    """Read an ASCII decimal without leading zeros, at most 2^63 - 1.

    Errors: FormatError.
    """
    if not _DECIMAL.fullmatch(text) or int(text) > MOST:
        raise FormatError(f"the {what} is not a plain decimal of at most {MOST}")
    return int(text)


def read_base64(text: str, what: str, size: int | None = None) -> bytes:
    """Read standard Base64 (RFC 4648, Section 4) in its canonical spelling; `size` bytes where given.

    Errors: FormatError.
    """
    try:
        raw = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise FormatError(f"the {what} is not Base64") from error
    if write_base64(raw) != text:
        raise FormatError(f"the {what} is Base64 with stray bits at its end")
    if size is not None and len(raw) != size:
        raise FormatError(f"the {what} has {len(raw)} bytes, need {size}")
    return raw


def write_base64(raw: bytes) -> str:
    """Write standard Base64."""
    return b64encode(raw).decode("ascii")


def read_utf8(raw: bytes, what: str, most: int) -> str:
    """Read UTF-8 of at most `most` bytes.

    Errors: FormatError.
    """
    if len(raw) > most:
        raise FormatError(f"the {what} has {len(raw)} bytes, at most {most} are read")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"the {what} is not UTF-8 at byte {error.start}") from error
