"""Evidence: a short excerpt round the span that spoke, with e-mails and phone numbers masked."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.forms.limits import EVIDENCE_CHARS
from tocsin.text import fold_alone, fold_text, folding_to, not_folding_to_one

# Both read folded text, so that full-width digits and invisible characters hide nothing. Before the @ stand ASCII
# letters alone or, in an international address, none last: Chinese runs on without blanks and would all be masked.
EMAIL = re.compile(r"(?:[a-z0-9._%+-]+|\w{1,64}(?<![a-z0-9_])) ?@ ?[\w-]+(?:[.。][\w-]+)*")
_DIGIT = r"[\d零〇一二三四五六七八九幺]"
PHONE = re.compile(
    rf"\+?{_DIGIT}(?:[ ()./_·•*|~-]{{0,3}}{_DIGIT}){{6,}}x?"
)  # x: the last sign of some Chinese ID numbers
_LEAST_DIGITS = 7  # of what PHONE matches
HIDDEN = "•"
_MARKS = {MARK_OPEN, MARK_CLOSE}
_REACH = 80  # how far beyond the excerpt a number is looked for, so that none is cut in two and missed


def excerpt(text: str, start: int, end: int) -> str:
    """Cut an excerpt of at most 160 characters round a span and enclose the span in ⟦ ⟧.

    Units: code points of the text. A span too long for the excerpt is cut at its end.
    """
    room = EVIDENCE_CHARS - 4  # two marks, two ellipses
    end = min(end, start + room)
    low = max(0, start - (room - (end - start)) // 2)
    high = min(len(text), low + room)
    low = max(0, high - room)
    reach = max(0, low - _REACH)
    plain = mask(text[reach : high + _REACH])
    before, span, after = (plain[a - reach : b - reach] for a, b in ((low, start), (start, end), (end, high)))
    return f"{'…' if low else ''}{before}{MARK_OPEN}{span}{MARK_CLOSE}{after}{'…' if high < len(text) else ''}"


def mask(text: str) -> str:
    """Hide e-mail addresses and phone numbers; keep every other character in its place, and all on one line."""
    chars = set(text)
    plain = text
    if not text.isprintable() or not chars.isdisjoint(_MARKS):
        for odd in [c for c in chars if c in _MARKS or not c.isprintable()]:
            plain = plain.replace(odd, _shown(odd))
    if not _may_tell(text, chars):
        return plain
    shown = list(plain)
    for place in _telling(text, chars):
        shown[place] = HIDDEN
    return "".join(shown)


def _may_tell(text: str, chars: set[str]) -> bool:
    """Say whether a text holds what folds to an @, or to as many digits as a phone number has at least."""
    return sum(text.count(c) * _weight(c) for c in chars & _hints()) >= _LEAST_DIGITS


@cache
def _weight(hint: str) -> int:
    """Count the digits that a code point folds to; an @ is enough by itself."""
    folded = fold_text(hint).text
    return _LEAST_DIGITS if "@" in folded else len(re.findall(_DIGIT, folded))


@cache
def _hints() -> frozenset[str]:
    """Give what folds to an @ or to digits; what holds too little of it need not be folded."""
    return frozenset(folding_to(f"@|{_DIGIT}"))


def _telling(text: str, chars: set[str]) -> Iterator[int]:
    """Yield the places of the letters and digits of e-mail addresses and phone numbers."""
    folded, origin = _folded(text, chars)
    for pattern in (EMAIL, PHONE) if "@" in folded else (PHONE,):
        for found in pattern.finditer(folded):
            yield from (origin[i] for i in range(*found.span()) if folded[i].isalnum())


def _folded(text: str, chars: set[str]) -> tuple[str, Sequence[int]]:
    """Fold a text, with the place that each character came from; where each folds to one, without looking further."""
    folded = text.translate(_ALONE)
    if chars.isdisjoint(not_folding_to_one()) and "  " not in folded:
        return folded, range(len(text))
    whole = fold_text(text)
    return whole.text, whole.origin.tolist()


class _Alone(dict[int, str]):
    """Hold what characters fold to, each looked up once."""

    def __missing__(self, code: int) -> str:
        self[code] = fold_alone(chr(code))
        return self[code]


_ALONE = _Alone()  # a cache: at most one entry a code point


def _shown(char: str) -> str:
    if char in (MARK_OPEN, MARK_CLOSE):
        return "[" if char == MARK_OPEN else "]"
    return char if char.isprintable() else " "
