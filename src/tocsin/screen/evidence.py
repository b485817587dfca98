"""Evidence: a short excerpt round the span that spoke, with e-mails and phone numbers masked."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.forms.limits import EVIDENCE_CHARS
from tocsin.text import fold_alone, fold_text, folding_to, folding_within, not_folding_to_one

# Both read folded text, so that full-width digits and invisible characters hide nothing. Before the @ stand ASCII
# letters alone or, in an international address, none last: Chinese runs on without blanks and would all be masked.
EMAIL = re.compile(r"(?:[a-z0-9._%+-]+|\w{1,64}(?<![a-z0-9_])) ?@ ?[\w-]+(?:[.。][\w-]+)*")
_DIGIT, _BETWEEN, _LEAST_DIGITS = r"[\d零〇一二三四五六七八九幺]", " ()./_·•*|~-", 7
# x: the last sign of some Chinese ID numbers
PHONE = re.compile(rf"\+?{_DIGIT}(?:[{_BETWEEN}]{{0,3}}{_DIGIT}){{{_LEAST_DIGITS - 1},}}x?")
_ZEROS, _SEVEN = bytes.maketrans(b"123456789", b"0" * 9), b"0" * _LEAST_DIGITS
HIDDEN = "•"
_FIRST_PLANE = 0xFFFF
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
    shown = mask(text[reach : high + _REACH])
    start, end, first, last = start - reach, end - reach, low - reach, high - reach
    inside = f"{shown[first:start]}{MARK_OPEN}{shown[start:end]}{MARK_CLOSE}{shown[end:last]}"
    return f"{'…' if low else ''}{inside}{'…' if high < len(text) else ''}"


def mask(text: str) -> str:
    """Hide e-mail addresses and phone numbers; keep every other character in its place, and all on one line."""
    plain = text
    if not _is_plain(text):
        plain = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
        if not _is_plain(plain):
            plain = "".join(map(_shown, plain))
    if not _may_tell(text):
        return plain
    shown = list(plain)
    for place in _telling(text):
        shown[place] = HIDDEN
    return "".join(shown)


def _is_plain(text: str) -> bool:
    return text.isprintable() and MARK_OPEN not in text and MARK_CLOSE not in text


def _may_tell(text: str) -> bool:
    """Say whether a text can hold an address or a number: where not, nothing need be folded."""
    if text.isascii():
        return "@" in text or _SEVEN in text.encode().translate(_ZEROS, _ascii_between())
    return _signs().search(text) is not None


@cache
def _ascii_between() -> bytes:
    """List the ASCII characters that may stand between digits."""
    return bytes(code for code in range(128) if set(fold_alone(chr(code))) <= set(_BETWEEN))


@cache
def _signs() -> re.Pattern[str]:
    """Look for what folds to an @ or to several digits, or for a run of what folds to a digit and to what may stand
    between digits. Beyond the first plane anything may be such.
    """
    digits, between = folding_to(_DIGIT, _FIRST_PLANE), _class(folding_within(_BETWEEN))
    several = "".join(c for c in digits if len(re.findall(_DIGIT, fold_alone(c))) > 1)
    at_once, one = _class(folding_to("@", _FIRST_PLANE) + several) + "\U00010000-\U0010ffff", _class(digits)
    # One class at the front, and `re` skips what is not in it.
    return re.compile(f"[{at_once}{one}](?:(?<=[{at_once}])|(?:[{between}]*+[{one}]){{{_LEAST_DIGITS - 1}}})")


def _class(chars: str) -> str:
    """Write those of the first plane for a class, which `re` looks up at once; of other planes it goes through all."""
    return re.escape("".join(c for c in chars if ord(c) <= _FIRST_PLANE))


def _telling(text: str) -> Iterator[int]:
    """Yield the places of the letters and digits of e-mail addresses and phone numbers."""
    folded, origin = _folded(text)
    for pattern in (EMAIL, PHONE) if "@" in folded else (PHONE,):
        for found in pattern.finditer(folded):
            yield from (origin[i] for i in range(*found.span()) if folded[i].isalnum())


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Fold a text, with the place that each character came from; where each folds to one, without looking further."""
    folded = text.translate(_ALONE)
    if not_folding_to_one().isdisjoint(text) and "  " not in folded:
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
