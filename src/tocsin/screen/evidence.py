"""Evidence: a short excerpt round the span that spoke, with e-mails and phone numbers masked."""

import re

from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.forms.limits import EVIDENCE_CHARS

EMAIL = re.compile(r"[\w.+-]+\s?[@＠]\s?[\w-]+(?:[.．][\w-]+)*")
PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")
HIDDEN = "•"
_REACH = 80  # how far beyond the excerpt a number is looked for, so that none is cut in two and missed


def excerpt(text: str, start: int, end: int) -> str:
    """Cut an excerpt of at most 160 characters round a span and enclose the span in ⟦ ⟧.

    Units: code points of the text. A span too long for the excerpt is cut at its end.
    """
    room = EVIDENCE_CHARS - 4  # two marks, two ellipses
    end = min(end, start + room)
    spare = room - (end - start)
    low = max(0, start - spare // 2)
    high = min(len(text), low + room)
    low = max(0, high - room)
    reach = max(0, low - _REACH)
    plain = mask(text[reach : high + _REACH])

    def part(a: int, b: int) -> str:
        return plain[a - reach : b - reach]

    body = part(low, start) + MARK_OPEN + part(start, end) + MARK_CLOSE + part(end, high)
    return ("…" if low else "") + body + ("…" if high < len(text) else "")


def mask(text: str) -> str:
    """Hide e-mail addresses and phone numbers, keep every other character in its place, and put the text on one line."""
    for pattern in (EMAIL, PHONE):
        text = pattern.sub(lambda m: re.sub(r"\w", HIDDEN, m.group()), text)
    text = text.replace(MARK_OPEN, "[").replace(MARK_CLOSE, "]")
    return "".join(c if c.isprintable() else " " for c in text)
