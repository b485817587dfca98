"""One pattern of a rule: Python `re` with ASCII classes over a folded line, within the bounds of the rule form."""

import importlib
import re
from functools import cache, lru_cache
from typing import Any

from tocsin.forms import ConfigError
from tocsin.text import fold_slowly, fold_text

# CPython's own parser of regular expressions; private in name, unchanged since 3.11 gave it this place.
_sre: Any = importlib.import_module("re._parser")
_MAX_REPEAT = 200
_WIDE = 4096
_CATEGORIES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}
# A look-behind, a class, an escape, or one character.
_TOKEN = re.compile(r"\(\?<[=!](?:[^()\\]|\\.)*\)|\[\^?\]?(?:[^\]\\]|\\.)*\]|\\.|.", re.DOTALL)
_FEW_ROUNDS, _SHORT = 4, 20
_MAX_GROUP_REPEAT = 10  # a repeated group can be read in many ways, and a hostile text tries them all
_UNBOUNDED = int(_sre.MAXREPEAT)


def literal_pattern(text: str) -> str:
    """Write a literal as a regular expression; it stands for whole words where its edge is an ASCII letter or digit."""
    folded = fold_slowly(text).strip()  # of a few characters it is the quicker one
    if not folded:
        raise ConfigError(f"a literal of {len(text)} characters folds to nothing", hint="write letters or characters")
    before = r"\b" if re.match(r"\w", folded, re.ASCII) else ""
    after = r"\b" if re.search(r"\w$", folded, re.ASCII) else ""
    return before + re.escape(folded) + after


def loosen(pattern: str) -> str:
    """Let a pattern match where the blanks between words were lost: on closed-up lines only."""
    return "".join(map(_loosened, _TOKEN.findall(pattern)))


def _loosened(token: str) -> str:
    if token == r"\b":
        return ""
    if token in (" ", r"\ ", r"\s"):
        return r"(?:\s?)"
    holds_blank = token.startswith("[") and not token.startswith("[^") and (" " in token or r"\s" in token)
    return f"(?:{token}?)" if holds_blank else token


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
def widest(pattern: str) -> int | None:
    """Say how many characters a match can have; None where there is no bound worth naming."""
    most: int = parse_pattern(pattern).getwidth()[1]
    return most if most < _WIDE else None


@lru_cache(maxsize=16_384)
def check_pattern(pattern: str) -> None:
    """Refuse a regular expression outside the rule form, or one that folded text can never match.

    Errors: ConfigError names the construct.
    """
    tree = parse_pattern(pattern)
    if tree.state.flags != re.ASCII:
        raise ConfigError(
            "a flag inside the pattern is not in the rule form", hint="write lower case; nothing else is needed"
        )
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
            _check_repeat(value[0], value[1], value[2], repeated)
        elif name == "IN":
            _check_set(value)
        elif name == "SUBPATTERN":
            _check_group(value, repeated)
        elif name == "BRANCH":
            for branch in value[1]:
                _check(branch, repeated)
        elif name in ("ASSERT", "ASSERT_NOT"):
            _check_assertion(value[0], value[1], repeated)


@cache
def _folded(code: int) -> str:
    return fold_text(chr(code)).text


def _check_group(value: Any, repeated: bool) -> None:
    if value[1] or value[2]:
        raise ConfigError(
            "a flag inside the pattern is not in the rule form", hint="write lower case; nothing else is needed"
        )
    if value[0] is not None:
        raise ConfigError("a capture group is not in the rule form", hint="write (?:…)")
    _check(value[3], repeated)


def _check_set(members: Any) -> None:
    for op, value in members:
        for code in value if str(op) == "RANGE" else [value] if str(op) == "LITERAL" else []:
            if code < 0x80 and _folded(code) != chr(code):
                raise ConfigError(f"U+{code:04X} never stands in folded text", hint=f"write {_folded(code)!r}")


def _check_assertion(direction: int, body: Any, repeated: bool) -> None:
    low, high = body.getwidth()
    if direction < 0 and low != high:
        raise ConfigError(f"a look-behind of {low} to {high} characters", hint="make it one width")
    _check(body, repeated)


def _check_repeat(low: int, high: Any, body: Any, repeated: bool) -> None:
    single = len(body) == 1 and str(body[0][0]) in ("LITERAL", "IN", "NOT_LITERAL")
    gap = len(body) == 1 and str(body[0][0]) == "ANY"
    if any(str(op) in ("ASSERT", "ASSERT_NOT") for op, _ in body):
        raise ConfigError("a repeated look-around is not in the rule form", hint="leave the repeat out")
    if high == _UNBOUNDED and (repeated or not single):
        raise ConfigError("an unbounded repeat of a group or of any character", hint="bound it, like {0,40}")
    most = _MAX_REPEAT if single or gap else _MAX_GROUP_REPEAT
    if high != _UNBOUNDED and high > most:
        raise ConfigError(f"a repeat of up to {high}, limit {most}", hint="shorten it, or use near")
    if not (single or gap) and high > 1 and not _is_tame(body, high):
        hint = "begin or end the group with a character that its inner repeats cannot match, like (?: \\w{1,9}){0,4}"
        raise ConfigError("a repeat inside a repeated group that can be read in many ways", hint=hint)
    _check(body, repeated or high > 1)


def _is_tame(body: Any, rounds: int) -> bool:
    """Say whether a repeated group cannot be read in very many ways.

    Its rounds are few and short, or can be told apart by a first or last character that no inner repeat takes.
    """
    inner = [value[2] for op, value in body if str(op) in ("MAX_REPEAT", "MIN_REPEAT") and value[0] != value[1]]
    nested = any(str(op) in ("SUBPATTERN", "BRANCH") and _holds_repeat(value) for op, value in body)
    short = all(int(value[1]) <= _SHORT for op, value in body if str(op) in ("MAX_REPEAT", "MIN_REPEAT"))
    if (not inner and not nested) or (rounds <= _FEW_ROUNDS and short):
        return True
    ends = [item[1] for item in (body[0], body[-1]) if str(item[0]) == "LITERAL"]
    return not nested and any(not any(_takes(i, end) for part in inner for i in part) for end in ends)


def _holds_repeat(value: Any) -> bool:
    if isinstance(value, (tuple, list)) or hasattr(value, "data"):
        return any(str(v) in ("MAX_REPEAT", "MIN_REPEAT") or _holds_repeat(v) for v in value)
    return False


def _takes(item: tuple[Any, Any], code: int) -> bool:
    name, value = str(item[0]), item[1]
    if name == "LITERAL":
        return bool(value == code)
    if name == "IN":
        return _in_set(value, chr(code))
    return True


def _in_set(members: Any, char: str) -> bool:
    negated = str(members[0][0]) == "NEGATE"
    for op, value in members:
        name = str(op)
        low, high = value if name == "RANGE" else (value, value) if name == "LITERAL" else (1, 0)
        belongs = name == "CATEGORY" and re.match(_CATEGORIES.get(str(value), "."), char, re.ASCII)
        if low <= ord(char) <= high or belongs:
            return not negated
    return negated
