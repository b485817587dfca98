"""What a lead may be about, and when an indicator is fit to be one."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.forms import digest_id
from tocsin.forms.limits import FIELD_BYTES
from tocsin.text import fold_text

FORMS = ("account", "network", "client", "text")
LOCAL_KIND = "L-x-lead"
MOST_LEADS = 100_000
MOST_TEXTS = 5_000
LEAST_TEXT_BYTES = 24  # folded: a shorter text stands in ordinary ones by chance
LEAST_PIECE_BYTES = 6
NOTE_CHARS = 200
_KIND = re.compile(r"(?:.*[:=]\s*)?\"?(M(?:0[1-9]|1[0-4]))\"?", re.IGNORECASE)
_ASN = re.compile(r"(?:AS)?\s*(\d{1,10})", re.IGNORECASE)
_SLOT = re.compile(r"\{[^{}]{0,40}\}")


@dataclass(frozen=True, slots=True)
class Named:
    """Hold an indicator as a file names it, fit to be a lead.

    value: of a network its AS number, of a text its pieces, folded, with {} for each slot between; kind: M01…M14 or
    None; until: when it stops to count.
    """

    form: str
    value: str
    kind: str | None = None
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """Hold a lead as it is kept: of an account only the keyed hash."""

    id: str
    form: str
    value: str
    kind: str
    source: str
    note: str = ""
    until: int | None = None  # microseconds since 1970


@dataclass(slots=True)
class Read:
    """Gather what a file gave, and count by reason what it did not; reasons hold nothing of the file."""

    named: dict[tuple[str, str], Named] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str) -> None:
        """Count one thing that was passed over."""
        self.skipped[reason] += 1

    def take(self, form: str, value: str, *, kind: str | None, note: str, until: datetime | None) -> None:
        """Take an indicator in if it is fit to be a lead."""
        fit, reason = _fit(form, value.strip())
        if kind == "M07" and form == "text":
            fit, reason = None, "kind M07 has no texts here"
        if fit is None:
            self.skip(reason)
        elif (form, fit) in self.named:
            self.skip("named twice")
        elif len(self.named) >= MOST_LEADS:
            self.skip(f"beyond {MOST_LEADS} of one file")
        else:
            self.named[form, fit] = Named(form, fit, kind, plain(note)[:NOTE_CHARS], until)


def kind_of(labels: Iterable[object]) -> str | None:
    """Return the first kind of the standard that labels name, as M02 or tocsin:kind="M02"."""
    found = (_KIND.fullmatch(label.strip()) for label in labels if isinstance(label, str) and len(label) <= NOTE_CHARS)
    return next((match[1].upper() for match in found if match), None)


def plain(text: str) -> str:
    """Return a text without control signs, on one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def lead_of(named: Named, source: str, value: str) -> Lead:
    """Make the lead that is kept, with the value that is kept."""
    until = int(named.until.timestamp() * 1e6) if named.until else None
    kind = named.kind or LOCAL_KIND
    return Lead(digest_id("lead", source, named.form, value), named.form, value, kind, source, named.note, until)


def pieces_of(value: str) -> tuple[str, ...]:
    """Return the pieces of a text lead, in order."""
    return tuple(value.split("{}"))


def _fit(form: str, value: str) -> tuple[str | None, str]:
    """Return the value as leads hold it, else None and why not."""
    if not value or len(value.encode(errors="replace")) > FIELD_BYTES:
        return None, f"a value that is empty or above {FIELD_BYTES} bytes"
    if form == "network":
        found = _ASN.fullmatch(value)
        return (str(int(found[1])), "") if found else (None, "a network that is no AS number")
    if form == "text":
        return _folded_pieces(value)
    if form in FORMS:
        return (value, "") if value.isprintable() else (None, "a value with control signs")
    return None, "a form that events do not have"


def _folded_pieces(value: str) -> tuple[str | None, str]:
    pieces = [fold_text(piece).text.strip() for piece in _SLOT.split(value)]
    kept = [piece for piece in pieces if len(piece.encode()) >= LEAST_PIECE_BYTES]
    if "{" in "".join(kept) or "}" in "".join(kept):
        return None, "a text with braces that are no slot"
    if max((len(piece.encode()) for piece in kept), default=0) < LEAST_TEXT_BYTES:
        return None, f"a text without {LEAST_TEXT_BYTES} bytes in a row to look for"
    return "{}".join(kept), ""
