"""Read the part of STIX patterns that names single values (STIX 2.1, section 9): [a:b = 'x' OR c:d IN ('y', 'z')]."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARS = 65_536
MOST_VALUES = 10_000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<path>[A-Za-z0-9_-]+:[A-Za-z0-9_.\-\[\]*]*(?:'[^'\\]{1,100}'[A-Za-z0-9_.\-\[\]*]*)*)
    | (?P<word>[A-Za-z]+)
    | (?P<sign>\[|\]|\(|\)|,|!=|<=|>=|=|<|>)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class UnreadPatternError(Exception):
    """Raise for a pattern that says more than which values to look for; the message is why it is passed over."""


@dataclass(frozen=True, slots=True)
class _Token:
    sort: str
    text: str


def values_of(pattern: str) -> list[tuple[str, str]]:
    """Return (object path, value) of a pattern any of whose comparisons suffices; raises UnreadPatternError."""
    if len(pattern) > MOST_CHARS:
        raise UnreadPatternError("a pattern that is too long")
    tokens = _Tokens(list(_tokens(pattern)))
    found = _observation(tokens)
    while tokens.next_is("OR"):
        found += _observation(tokens)
    if tokens.left:
        raise UnreadPatternError("a pattern that asks for several things together, or in time")
    return found


def _tokens(pattern: str) -> Iterator[_Token]:
    at, end = 0, len(pattern.rstrip())
    while at < end:
        found = _TOKEN.match(pattern, at)
        if found is None or found.lastgroup is None:
            raise UnreadPatternError("a pattern that cannot be read")
        yield _Token(found.lastgroup, found[found.lastgroup])
        at = found.end()


@dataclass(slots=True)
class _Tokens:
    left: list[_Token]

    def __post_init__(self) -> None:
        self.left.reverse()

    def take(self, *sorts: str) -> str:
        if not self.left or self.left[-1].sort not in sorts:
            raise UnreadPatternError("a pattern that cannot be read")
        return self.left.pop().text

    def next_is(self, text: str) -> bool:
        if self.left and self.left[-1].sort in ("word", "sign") and self.left[-1].text == text:
            self.left.pop()
            return True
        return False

    def demand(self, text: str) -> None:
        if not self.next_is(text):
            several = bool(self.left) and self.left[-1].text in ("AND", "NOT", "FOLLOWEDBY", "(")
            raise UnreadPatternError(
                "a pattern that asks for several things together, or in time"
                if several
                else "a pattern that cannot be read"
            )


def _observation(tokens: _Tokens) -> list[tuple[str, str]]:
    tokens.demand("[")
    found = _comparison(tokens)
    while tokens.next_is("OR"):
        found += _comparison(tokens)
    tokens.demand("]")
    if len(found) > MOST_VALUES:
        raise UnreadPatternError("a pattern that is too long")
    return found


def _comparison(tokens: _Tokens) -> list[tuple[str, str]]:
    if tokens.next_is("("):
        raise UnreadPatternError("a pattern that asks for several things together, or in time")
    path = tokens.take("path")
    if tokens.next_is("="):
        return [(path, _literal(tokens))]
    if tokens.next_is("IN"):
        return [(path, value) for value in _set(tokens)]
    raise UnreadPatternError("a comparison other than = and IN")


def _set(tokens: _Tokens) -> Iterator[str]:
    tokens.demand("(")
    yield _literal(tokens)
    while tokens.next_is(","):
        yield _literal(tokens)
    tokens.demand(")")


def _literal(tokens: _Tokens) -> str:
    text = tokens.take("string", "number")
    return _ESCAPE.sub(r"\1", text[1:-1]) if text.startswith("'") else text
