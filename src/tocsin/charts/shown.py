"""Hostile text made fit to show: one line, nothing invisible, nothing that turns the reading direction."""

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")


def visible(text: str, limit: int = 400) -> str:
    """Write white space as one space and every invisible or direction-turning sign as its code point.

    Text beyond `limit` characters is cut with an ellipsis.
    """
    shown = text[:limit]
    is_plain = shown.isprintable() and _FILLERS.isdisjoint(shown)  # most texts are: no need to look at every sign
    out = shown if is_plain else "".join(map(_sign, shown))
    return " ".join(out.split()) + ("…" if len(text) > limit else "")


def _sign(c: str) -> str:
    if c.isspace():
        return " "
    if unicodedata.category(c) in _HIDDEN or c in _FILLERS:
        return f"‹U+{ord(c):04X}›"
    return c


def columns(text: str) -> int:
    """Count the columns a text takes, wide characters as two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, width: int = 14) -> str:
    """Keep an identifier's head and tail within `width` columns."""
    text = visible(text, 4096)
    if columns(text) <= width:
        return text
    tail = _take(text[::-1], width // 3)[::-1]
    return _take(text, width - 1 - columns(tail)) + "…" + tail


def _take(text: str, width: int) -> str:
    used = 0
    for i, c in enumerate(text):
        used += columns(c)
        if used > width:
            return text[:i]
    return text
