"""What the scanner looks for: for each pattern, short literals one of which every match must hold.

A scanner that only knows literals is fast and cannot disagree with `re` about repeats and boundaries; what it
reports is a candidate, which `re` confirms. The search for the literals follows the usual factor analysis of regular
expressions: finite languages are multiplied out along a sequence, and the rarest set met on the way is kept.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tocsin.standard.patterns import parse_pattern

BOUNDARY = "\0"  # stands for a word boundary inside a factor
_MOST = 48
_WIDEST_SET = 8


@dataclass(frozen=True, slots=True)
class _Language:
    """`exact`: all the strings that the part can match, None where too many; `needed`: one of these is in every
    match.
    """

    exact: frozenset[str] | None
    needed: frozenset[str] | None


_EMPTY = _Language(frozenset({""}), None)
_UNKNOWN = _Language(None, None)


@lru_cache(maxsize=65_536)
def factors(pattern: str) -> frozenset[str]:
    """Find the rarest set of literals one of which every match holds; empty where there is none."""
    language = _sequence(parse_pattern(pattern))
    return _rarer(language.exact, language.needed) or frozenset()


def rarity(strings: frozenset[str]) -> float:
    """Weigh a set by its commonest member: about one a letter or digit, more a Chinese character, little for the
    rest.
    """
    return min(map(_weigh, strings), default=0.0) - len(strings) / 64


def scan_expression(factor: str) -> bytes:
    """Write a factor as an expression for the scanner, in bytes."""
    return b"".join(rb"\b" if c == BOUNDARY else b"".join(b"\\x%02x" % byte for byte in c.encode()) for c in factor)


def _weigh(text: str) -> float:
    return sum(2.5 if c > "\u2e7f" else 1.0 if c.isalnum() else 0.4 for c in text[:16])


def _sequence(tree: Any) -> _Language:
    run = frozenset({""})
    needed: frozenset[str] | None = None
    whole = True
    for item in tree:
        part = _part(*item)
        if part.exact is not None and len(run) * len(part.exact) <= _MOST:
            run = frozenset(a + b for a in run for b in part.exact)
            continue
        needed = _rarer(_rarer(needed, run), part.needed)
        run, whole = part.exact or frozenset({""}), False
    return _Language(run if whole else None, _rarer(needed, run))


def _part(op: object, value: Any) -> _Language:
    match str(op), value:
        case "LITERAL", int(code):
            return _Language(frozenset({chr(code)}), None)
        case "IN", list(members):
            return _members(members)
        case "BRANCH", (_, branches):
            return _union([_sequence(branch) for branch in branches])
        case "SUBPATTERN", (_, _, _, body):
            return _sequence(body)
        case (("MAX_REPEAT" | "MIN_REPEAT"), (low, high, body)):
            return _repeat(low, high, _sequence(body))
        case "AT", where:
            return _Language(frozenset({BOUNDARY}), None) if str(where) == "AT_BOUNDARY" else _EMPTY
        case (("ASSERT" | "ASSERT_NOT"), _):
            return _EMPTY
    return _UNKNOWN


def _members(members: list[tuple[object, object]]) -> _Language:
    letters = frozenset(chr(v) for op, v in members if str(op) == "LITERAL" and isinstance(v, int))
    return _Language(letters, None) if len(letters) == len(members) <= _WIDEST_SET else _UNKNOWN


def _union(parts: list[_Language]) -> _Language:
    exact = frozenset[str]().union(*(p.exact or () for p in parts))
    if all(p.exact is not None for p in parts) and len(exact) <= _MOST:
        return _Language(exact, None)
    sets = [_rarer(p.exact, p.needed) for p in parts]
    known = [s for s in sets if s is not None]
    return _Language(None, frozenset[str]().union(*known) if len(known) == len(sets) else None)


def _repeat(low: int, high: object, body: _Language) -> _Language:
    if (low, high) == (0, 1) and body.exact is not None:
        return _Language(body.exact | {""}, None)
    if low == 0:
        return _UNKNOWN
    return body if (low, high) == (1, 1) else _Language(None, _rarer(body.exact, body.needed))


def _rarer(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    sets = [_least(s) for s in (a, b) if s and all(_weigh(x) > 0 for x in s)]
    return max(sets, key=lambda s: (rarity(s), sorted(s)), default=None)


def _least(strings: frozenset[str]) -> frozenset[str]:
    return frozenset(s for s in strings if not any(other != s and other in s for other in strings))
