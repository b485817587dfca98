"""One pattern of a rule: Python `re` with ASCII classes over a folded line, within the bounds of the rule form."""

import importlib
import re
from functools import cache, lru_cache
from typing import Any

from tocsin.forms import ConfigError
from tocsin.text import fold_text

# CPython's own parser of regular expressions; private in name, unchanged since 3.11 gave it this place.
_sre: Any = importlib.import_module("re._parser")
_MAX_REPEAT = 200
_MAX_GROUP_REPEAT = 10  # a repeated group can be read in many ways, and a hostile text tries them all
_UNBOUNDED = int(_sre.MAXREPEAT)


def literal_pattern(text: str) -> str:
    """Write a literal as a regular expression; it stands for whole words where its edge is an ASCII letter or digit."""
    folded = fold_text(text).text.strip()
    if not folded:
        raise ConfigError(f"a literal of {len(text)} characters folds to nothing", hint="write letters or characters")
    before = r"\b" if re.match(r"\w", folded, re.ASCII) else ""
    after = r"\b" if re.search(r"\w$", folded, re.ASCII) else ""
    return before + re.escape(folded) + after


def loosen(pattern: str) -> str:
    """Let a pattern match where the blanks between words were lost: on closed-up lines only."""
    return re.sub(r"\\?[ ]|\\s\+?", r"\\s*", pattern.replace(r"\b", ""))


@lru_cache(maxsize=16_384)
def parse_pattern(pattern: str) -> Any:
    """Parse a pattern into the parser's own tree: a sequence of (operation, argument) pairs.

    Errors: ConfigError where it is no regular expression.
    """
    try:
        return _sre.parse(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(f"not a regular expression: {error}", hint="see docs/rules.md") from error


@lru_cache(maxsize=16_384)
def check_pattern(pattern: str) -> None:
    """Refuse a regular expression outside the rule form, or one that folded text can never match.

    Errors: ConfigError names the construct.
    """
    tree = parse_pattern(pattern)
    _check(tree, repeated=False)
    if tree.getwidth()[0] == 0:
        raise ConfigError("the pattern matches the empty text", hint="make at least one part required")


def _check(tree: Any, repeated: bool) -> None:
    for op, value in tree:
        name = str(op)
        if name == "LITERAL" and (folded := _folded(value)) != chr(value):
            raise ConfigError(f"U+{value:04X} never stands in folded text", hint=f"write {folded!r}")
        if name in ("GROUPREF", "GROUPREF_EXISTS", "ATOMIC_GROUP", "POSSESSIVE_REPEAT"):
            raise ConfigError(f"{name.lower()} is not in the rule form", hint="use groups (?:…) and plain repeats")
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _check_repeat(*value, repeated)
        elif name == "SUBPATTERN":
            _check_group(value, repeated)
        elif name == "BRANCH":
            for branch in value[1]:
                _check(branch, repeated)
        elif name in ("ASSERT", "ASSERT_NOT"):
            _check(value[1], repeated)


@cache
def _folded(code: int) -> str:
    return fold_text(chr(code)).text


def _check_group(value: Any, repeated: bool) -> None:
    if value[0] is not None:
        raise ConfigError("a capture group is not in the rule form", hint="write (?:…)")
    _check(value[3], repeated)


def _check_repeat(low: int, high: Any, body: Any, repeated: bool) -> None:
    single = len(body) == 1 and str(body[0][0]) in ("LITERAL", "IN", "NOT_LITERAL", "CATEGORY")
    if high == _UNBOUNDED and (repeated or not single):
        raise ConfigError("an unbounded repeat of a group or of any character", hint="bound it, like {0,40}")
    most = _MAX_REPEAT if single or str(body[0][0]) == "ANY" else _MAX_GROUP_REPEAT
    if high != _UNBOUNDED and high > most:
        raise ConfigError(f"a repeat of up to {high}, limit {most}", hint="shorten it, or use near")
    _check(body, repeated or high == _UNBOUNDED or high > 1)
