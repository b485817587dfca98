"""What a history is made of, for the plain fold: no bytes, no signatures. A key is its name, a root a digest."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

MONDAY = 345_600  # 5 January 1970: rounds are calendar weeks


@dataclass(frozen=True)
class Member:
    """A member as one charter has it; `mirrors` are the keys of its one mirror."""

    name: str
    origin: str
    recovery: str
    statement: str
    mirrors: frozenset[str]
    box: str = ""

    @property
    def lifelong(self) -> tuple[str, str, str]:
        return self.origin, self.recovery, self.statement

    @property
    def keys(self) -> tuple[object, ...]:
        return *self.lifelong, self.mirrors, self.box


@dataclass(frozen=True)
class Side:
    """Members of one side, of which k must agree."""

    k: int
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Charter:
    """A version of the charter: `ends` says origin, size and root, `signed` which recovery keys consent."""

    hash: str
    version: int = field(repr=False)
    parent: str = field(repr=False)
    start: int = field(repr=False)  # the page calls it `from`
    expiry: int = field(repr=False)
    sides: tuple[Side, ...] = field(repr=False)
    standard: str = field(default="", repr=False)
    band: int = field(default=120, repr=False)
    round: int = field(default=604_800, repr=False)
    ends: tuple[tuple[str, int, str], ...] = field(default=(), repr=False)
    signed: frozenset[str] = field(default=frozenset(), repr=False)

    def __hash__(self) -> int:
        return hash(self.hash)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        return tuple(member for side in self.sides for member in side.members)

    @cached_property
    def origins(self) -> frozenset[str]:
        return frozenset(member.origin for member in self.members)

    def begin(self, number: int) -> int:
        return MONDAY + number * self.round


@dataclass(frozen=True)
class Proposal:
    charter: Charter


@dataclass(frozen=True)
class Vote:
    parent: str
    round: int
    charter: str


@dataclass(frozen=True)
class Stamp:
    """`cosigned`: (mirror key, time) of the cosignatures that hold."""

    version: int
    charter: str
    size: int
    root: str
    cosigned: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Key:
    use: str
    key: str


@dataclass(frozen=True)
class Freeze:
    """`signed`: the recovery key that signed it, whoever logs it."""

    frozen: str
    signed: str


@dataclass(frozen=True)
class Notice:
    text: str


@dataclass(frozen=True)
class Inquiry:
    to: str
    text: str
    deadline: int


@dataclass(frozen=True)
class Answer:
    asker: str
    index: int
    text: str


@dataclass(frozen=True)
class Report:
    what: Hashable


@dataclass(frozen=True)
class Entry:
    """What is said, for which coalition and log, and the keys that signed it."""

    body: Any
    coalition: str
    origin: str
    signed: frozenset[str]

    @cached_property
    def leaf(self) -> str:
        spelled = repr((self.body, self.coalition, self.origin, sorted(self.signed)))
        return sha256(spelled.encode()).hexdigest()


def root(entries: Sequence[Entry], size: int) -> str:
    """Name a prefix: equal for equal entries only."""
    return sha256("".join(entry.leaf for entry in entries[:size]).encode()).hexdigest()


Where = tuple[str, int]  # origin and index


@dataclass
class State:
    """What is so at t, as far as these logs say."""

    chain: list[str]
    waiting: set[str]
    keys: dict[str, dict[str, str]]
    ended: dict[str, int]
    frozen: dict[str, int]
    notices: dict[Where, int]
    inquiries: dict[Where, str]
    published: dict[Where, int]
    misconduct: set[tuple[str, int, int]]


@dataclass(frozen=True)
class Counting:
    """A stamp that counts; `late`: the charter that it names had expired."""

    index: int
    size: int
    time: int
    version: int
    charter: str
    late: bool
