"""Signed notes, c2sp.org/signed-note: a text and lines of signatures. Reading a note says nothing about its truth."""

import re
from dataclasses import dataclass

from tocsin.forms.errors import FormatError
from tocsin.ledger.strict import read_base64, read_utf8, write_base64

NOTE_BYTES = 512 * 1024
MOST_SIGNATURES = 100
"""More than any quorum here needs; Go's reader stops at the same number."""

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
# The code points with the property White_Space, spelled out: str.isspace differs from other languages' readers.
# Lone surrogates cannot be written as UTF-8 at all.
_NOT_IN_NAME = re.compile("[+\ud800-\udfff\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_DASH = "— "


@dataclass(frozen=True)
class Signature:
    """One signature line: who says to have signed, by name and 4 bytes of key id, and the bytes after the id."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Write the line with its line break."""
        return f"{_DASH}{self.name} {write_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A text that ends in a line break, and the signatures in the order of their lines."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Write the note."""
        return f"{self.text}\n{''.join(s.line() for s in self.signatures)}".encode()


def parse_note(raw: bytes) -> Note:
    """Read a note of at most 512 KiB and 100 signatures.

    Errors: FormatError.
    """
    whole = read_utf8(raw, "note", NOTE_BYTES)
    head, blank, lines = whole.rpartition("\n\n")
    if not blank:
        raise FormatError("the note has no empty line before its signatures")
    return Note(_plain(head + "\n"), _signatures(lines))


def parse_signatures(raw: bytes) -> tuple[Signature, ...]:
    """Read one signature line or more, as a witness answers them.

    Errors: FormatError.
    """
    return _signatures(read_utf8(raw, "signature lines", NOTE_BYTES))


def is_key_name(name: str) -> bool:
    """Tell whether a name may stand in a signature line: not empty, no space, plus or control character."""
    return bool(name) and not _NOT_IN_NAME.search(name) and not _CONTROL.search(name)


def _plain(text: str) -> str:
    if found := _CONTROL.search(text):
        raise FormatError(f"the note holds the control character {ord(found.group())}")
    return text


def _signatures(lines: str) -> tuple[Signature, ...]:
    if not lines.endswith("\n"):
        raise FormatError("the signatures do not end in a line break")
    if lines.count("\n") > MOST_SIGNATURES:
        raise FormatError(f"the note has {lines.count(chr(10))} signature lines, at most {MOST_SIGNATURES} are read")
    return tuple(_signature(line) for line in lines[:-1].split("\n"))


def _signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not (line.startswith(_DASH) and space and is_key_name(name)):
        raise FormatError("a signature line is not '— NAME BASE64'")
    raw = read_base64(encoded, "signature")
    if len(raw) < 5:
        raise FormatError(f"a signature has {len(raw)} bytes, need 4 of key id and more")
    return Signature(name, raw[:4], raw[4:])
