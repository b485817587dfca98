"""What the scanner looks for: for each pattern, short literals one of which every match must hold.

A scanner that only knows literals is fast and cannot disagree with `re` about repeats and boundaries; what it
reports is a candidate, which `re` confirms. The search for the literals follows the usual factor analysis of regular
expressions: finite languages are multiplied out along a sequence, and the rarest set met on the way is kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from math import log10, prod
from typing import Any

from tocsin.standard.patterns import parse_pattern
from tocsin.text import BOUNDARY

_MOST = 48
_WIDEST_SET = 8
_MOST_BRANCHES = 32
_WORD = re.compile(r"[a-z0-9]+|[\u2e80-\U0010ffff]+|[^a-z0-9\0 \u2e80-\U0010ffff]+")
_LOOKED_AT = 40  # characters
_RARE, _SIGN = 0.0002, 0.3
_INSIDE_WORDS = {1: 0.99, 2: 0.6, 3: 0.12, 4: 0.03, 5: 0.008}  # the share of texts with so many letters in some word
_WORD_BESIDE, _CHARACTER_BESIDE = 0.2, 0.3


@dataclass(frozen=True, slots=True)
class _Language:
    """`exact`: all strings that the part can match, None where too many; `met`: of each set one is in every match."""

    exact: frozenset[str] | None
    met: tuple[frozenset[str], ...] = ()

    @property
    def rarest(self) -> frozenset[str] | None:
        """The one set that says most."""
        sets = [_least(s) for s in (self.exact, *self.met) if s and all(map(_says_something, s))]
        return max(sets, key=lambda s: (rarity(s), sorted(s)), default=None)


_EMPTY = _Language(frozenset({""}))
_UNKNOWN = _Language(None)


@lru_cache(maxsize=65_536)
def factors(pattern: str) -> tuple[tuple[frozenset[str], ...], ...]:
    """Find what a line must hold for a pattern to match: all the sets of one branch, each by one of its literals.

    The sets of a branch come rarest first; a branch without any can match where no literal stands.
    """
    return tuple(tuple(sorted(branch, key=rarest_first)) for branch in factors_in_order(pattern))


@lru_cache(maxsize=65_536)
def factors_in_order(pattern: str) -> tuple[tuple[frozenset[str], ...], ...]:
    """Find the same, the sets of a branch as they follow one another in a match; one that repeats is told once."""
    return tuple(_branches(parse_pattern(pattern)))


def rarest_first(strings: frozenset[str]) -> tuple[float, list[str]]:
    """Give the key that sorts sets by how rare they are."""
    return -rarity(strings), sorted(strings)


def plain_literal(pattern: str) -> str | None:
    """Write a pattern as the literal that means the same, with boundaries at its ends at most; None where none does."""
    marks = [
        "\0" if str(op) == "AT" and str(value) == "AT_BOUNDARY" else _letter(op, value)
        for op, value in parse_pattern(pattern)
    ]
    literal = "".join(marks)
    return literal if literal.strip(BOUNDARY) and "" not in marks and BOUNDARY not in literal[1:-1] else None


def _letter(op: object, value: Any) -> str:
    return chr(value) if str(op) == "LITERAL" else ""


def _branches(tree: Sequence[Any], most: int = _MOST_BRANCHES) -> list[tuple[frozenset[str], ...]]:
    """Write a pattern out, arm by arm, until what is left are sequences, or too many of them."""
    for i, (op, value) in enumerate(tree):
        arms = _arms(op, value)
        if 0 < len(arms) <= most and _part(op, value).exact is None:
            rest = most // len(arms)
            return [branch for arm in arms for branch in _branches([*tree[:i], *arm, *tree[i + 1 :]], rest)]
    language = _sequence(tree)
    sets = (_least(s) for s in (*language.met, language.exact) if s and all(map(_says_something, s)))
    return [tuple(dict.fromkeys(sets))]


def _arms(op: object, value: Any) -> Sequence[Any]:
    """List the alternatives of a part: a group without any is one."""
    if str(op) == "SUBPATTERN":
        body = value[3]
        return _arms(*body[0]) if len(body) == 1 and str(body[0][0]) == "BRANCH" else [body]
    return value[1] if str(op) == "BRANCH" else []


@lru_cache(maxsize=65_536)
def rarity(strings: frozenset[str]) -> float:
    """Estimate how rare texts are that hold one of these: the negative decimal logarithm of their share."""
    return -log10(1 - prod(1 - _share(s) for s in strings)) if strings else 0.0


def scan_expression(factor: str) -> bytes:
    """Write a factor as an expression for the scanner, in bytes; a boundary inside it says nothing more."""
    before, after = (rb"\b" if edge else b"" for edge in (factor.startswith(BOUNDARY), factor.endswith(BOUNDARY)))
    return before + b"".join(b"\\x%02x" % byte for byte in factor.replace(BOUNDARY, "").encode()) + after


def _says_something(factor: str) -> bool:
    return bool(factor.strip(BOUNDARY + " "))


@lru_cache(maxsize=262_144)
def _share(literal: str) -> float:
    """Estimate the share of texts that hold a literal: that of its rarest word, less for each word beside it."""
    bounds = [m.span() for m in _WORD.finditer(literal[:_LOOKED_AT])]
    shares = [_share_of_word(literal[a:b], a == 0, b == len(literal)) for a, b in bounds]
    return min(shares, default=0.99) * _WORD_BESIDE ** max(0, len(shares) - 1)


def _share_of_word(word: str, open_before: bool, open_after: bool) -> float:
    if word[0] > "\u2e7f":
        pairs = [word[i : i + 2] for i in range(len(word) - 1)] or [word]
        return min(commonplace().get(pair, _RARE) for pair in pairs) * _CHARACTER_BESIDE ** (len(pairs) - 1)
    if not word.isalnum():
        return _SIGN if len(word) == 1 else _RARE
    inside_others = _INSIDE_WORDS.get(len(word), _RARE) if open_before or open_after else 0.0
    return max(commonplace().get(word, _RARE), inside_others)


@cache
def commonplace() -> Mapping[str, float]:
    """Read which words stand in one ordinary text of 2,000 or more, and in what share (tools/count_commonplace.py)."""
    lines = files("tocsin.standard").joinpath("commonplace.tsv").read_text("utf-8").splitlines()
    return {word: int(share) / 10_000 for word, share in (line.split("\t") for line in lines)}


def _sequence(tree: Any) -> _Language:
    run = frozenset({""})
    met: list[frozenset[str]] = []
    whole = True
    for item in tree:
        part = _part(*item)
        if part.exact is not None and len(run) * len(part.exact) <= _MOST:
            run = frozenset(a + b for a in run for b in part.exact)
            continue
        met += [run, *part.met]
        run, whole = part.exact or frozenset({""}), False
    return _Language(run, tuple(met)) if whole else _Language(None, (*met, run))


def _part(op: object, value: Any) -> _Language:
    match str(op), value:
        case "LITERAL", int(code):
            return _Language(frozenset({chr(code)}))
        case "IN", list(members):
            return _members(members)
        case "BRANCH", (_, branches):
            return _union([_sequence(branch) for branch in branches])
        case "SUBPATTERN", (_, _, _, body):
            return _sequence(body)
        case (("MAX_REPEAT" | "MIN_REPEAT"), (low, high, body)):
            return _repeat(low, high, _sequence(body))
        case "AT", where:
            return _Language(frozenset({BOUNDARY})) if str(where) == "AT_BOUNDARY" else _EMPTY
        case (("ASSERT" | "ASSERT_NOT"), _):
            return _EMPTY
    return _UNKNOWN


def _members(members: list[tuple[object, object]]) -> _Language:
    letters = frozenset(chr(v) for op, v in members if str(op) == "LITERAL" and isinstance(v, int))
    return _Language(letters) if len(letters) == len(members) <= _WIDEST_SET else _UNKNOWN


def _union(parts: list[_Language]) -> _Language:
    exact = frozenset[str]().union(*(p.exact or () for p in parts))
    if all(p.exact is not None for p in parts) and len(exact) <= _MOST:
        return _Language(exact)
    known = [s for s in (p.rarest for p in parts) if s is not None]
    return _Language(None, (frozenset[str]().union(*known),) if len(known) == len(parts) else ())


def _repeat(low: int, high: object, body: _Language) -> _Language:
    if (low, high) == (0, 1) and body.exact is not None:
        return _Language(body.exact | {""})
    if low == 0:
        return _UNKNOWN
    if (low, high) == (1, 1):
        return body
    return _Language(None, (*body.met, *((body.exact,) if body.exact else ())))


def _least(strings: frozenset[str]) -> frozenset[str]:
    return frozenset(s for s in strings if not any(other != s and other in s for other in strings))
