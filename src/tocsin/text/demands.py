"""What lines must hold to be worth a closer look: demands, packed for the kernel, and the kernel's slow reference.

A demand is met by a line that holds one literal of each of its sets, all of them near the first set's. It is meant as
a sieve before a costly test such as a regular expression: whoever derives demands from a pattern sees to it that every
text which the pattern matches meets one of them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tocsin.text.windows import Lines, Positions

BOUNDARY = "\0"  # at an end of a literal: it ends there at an ASCII word boundary, as `\b` says
EVERY_EAR = 0xFF
ANYWHERE = NO_PLACE = 0xFFFFFFFF
MOST_HITS = 256  # of one set in one line: a set that has more counts as near everything
MOST_ORDERED = 7  # sets of a demand whose order can be told
WIDTHS = 8, 4, 3, 2, 1  # of the windows by which literals are found, in bytes: the widest that fits
_GRAM = 4  # bytes
_FILTER_BITS = 32  # for each slot of a table
_GRAM_WORDS = 4  # of 32 bits for each gram with which a window begins
_MIX_A, _MIX_B, _MIX_GRAM = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x9E3779B1
_U64 = (1 << 64) - 1
_BETWEEN_WORDS = 0.03

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Demand:
    """Ask of a line that it holds one literal of each set, at most `within` characters from end to end, None: anywhere.

    The rarest set comes first. `ears` has bit c set if lines of column c may meet it. `order` says which of the sets'
    literals comes first in the line, which next, one behind the end of the other; where it is empty, or `within` None,
    they come in any order. Literals are folded.
    """

    sets: tuple[tuple[str, ...], ...]
    within: int | None = None
    ears: int = EVERY_EAR
    order: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowTable:
    """Hold windows of literals.

    `grams` is a filter of their first four bytes: the hash of the first three names a number, the fourth a bit of it.
    `filter` has a bit set for the hash of each whole window. Keys, values, starts and postings are laid out like an
    alarm table: a key is a window's hash, and lists numbers of literals.
    """

    grams: U32
    filter: U64
    keys: U64
    values: U32
    starts: U32
    postings: U32


@dataclass(frozen=True, slots=True)
class Lists:
    """Hold a list of numbers for each of a range of keys: key k has `items[starts[k]:starts[k + 1]]`."""

    starts: U32
    items: U32


@dataclass(frozen=True, slots=True)
class Demands:
    """Hold packed demands, as the kernel reads them.

    Shape: a row of `literals` says where a literal's bytes begin in `text`, how many they are, its characters, where
    its window begins, its edges (1: at the begin, 2: at the end), and its first 8 bytes in two numbers. `begins` lists
    the demands whose first set holds a literal, `members` the literals of a set, `grams` four bytes of each of those, 0
    where it has not so many; a row of `demands` says where its sets begin in `sets`, how many they are, how near they
    must be, its ears, and the order: 0, or four bits a set beside the highest bit.
    """

    literals: U32
    text: NDArray[np.uint8]
    first: WindowTable
    begins: Lists
    members: Lists
    grams: U32
    demands: U32
    sets: U32

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays in the kernel's order."""
        f = self.first
        table = (f.grams, f.filter, f.keys, f.values, f.starts, f.postings)
        lists = (self.begins.starts, self.begins.items, self.members.starts, self.members.items, self.grams)
        return (self.literals, self.text, *table, *lists, self.demands, self.sets)

    @classmethod
    def of(cls, arrays: Sequence[NDArray[Any]]) -> "Demands":
        """Put together what `arrays` gave."""
        literals, text, *tables, demands, sets = arrays
        begins, members = Lists(*tables[6:8]), Lists(*tables[8:10])
        return cls(literals, text, WindowTable(*tables[:6]), begins, members, tables[10], demands, sets)


def pack_demands(demands: Sequence[Demand], usual: Mapping[str, float] | None = None) -> Demands:
    """Pack demands; the number of each is its place. `usual` says of words what share of texts holds them.

    Errors: ValueError for an empty literal or a demand without sets.
    """
    if any(not demand.sets for demand in demands):
        raise ValueError("a demand has no sets")
    if any(d.order and (sorted(d.order) != list(range(len(d.sets))) or len(d.sets) > MOST_ORDERED) for d in demands):
        raise ValueError("a demand's order is not one of its sets")
    sets = _numbered(s for demand in demands for s in demand.sets)
    literals = _numbered(literal for s in sets for literal in s)
    begun = [(literals[w], n) for n, d in enumerate(demands) for w in d.sets[0]]
    first = sorted({literal for literal, _ in begun})
    rows, text = _described(list(literals), first, usual or {})
    members = _lists([(n, literals[w]) for s, n in sets.items() for w in s], len(sets))
    return Demands(
        rows,
        text,
        _table(rows, text, first),
        _lists(begun, len(literals)),
        members,
        np.array([_gram(rows[n], text) for n in members.items], dtype=np.uint32),
        _rows(demands),
        np.array([sets[s] for d in demands for s in d.sets], dtype=np.uint32),
    )


def meet_slowly(
    buffer: Lines, offsets: Positions, columns: NDArray[np.uint8], demands: Sequence[Demand]
) -> list[tuple[int, int, int, int]]:
    """Name the lines and the demands that they meet, ascending: the kernel's reference.

    Shape: rows of line, demand, start and end. A demand that is a lone literal has the place where the line first holds
    it, in characters; any other has -1.
    """
    lines = zip(offsets[:-1].tolist(), offsets[1:].tolist(), columns.tolist(), strict=True)
    return [
        (line, number, *_lone_place(buffer[start : stop - 1].decode(), demand))
        for line, (start, stop, column) in enumerate(lines)
        for number, demand in enumerate(demands)
        if demand.ears >> column & 1 and _meets(buffer[start : stop - 1].decode(), demand)
    ]


def _meets(line: str, demand: Demand) -> bool:
    first, *others = ([span for w in s for span in _spans(line, w)] for s in demand.sets)
    if not (first and all(others)):
        return False
    if not others or demand.within is None or max(map(len, (first, *others))) > MOST_HITS:
        return True
    if demand.order:
        return _in_order(
            [spans for _, spans in sorted(zip(demand.order, (first, *others), strict=True))], demand.within
        )
    return any(all(any(_reach(h, g) <= demand.within for g in other) for other in others) for h in first)


def _in_order(sets: Sequence[list[tuple[int, int]]], within: int) -> bool:
    """Say whether spans of the sets follow one another within so many characters."""
    return any(_follow(span, span[1], sets[1:], within) for span in sets[0])


def _follow(first: tuple[int, int], end: int, sets: Sequence[list[tuple[int, int]]], within: int) -> bool:
    if not sets:
        return end - first[0] <= within
    return any(start >= end and _follow(first, after, sets[1:], within) for start, after in sets[0])


def _lone_place(line: str, demand: Demand) -> tuple[int, int]:
    return next(_spans(line, demand.sets[0][0])) if is_lone(demand) else (-1, -1)


def is_lone(demand: Demand) -> bool:
    """Say whether all that a demand asks for is one literal."""
    return len(demand.sets) == 1 == len(demand.sets[0])


def _reach(a: tuple[int, int], b: tuple[int, int]) -> int:
    return max(a[1], b[1]) - min(a[0], b[0])


def _spans(line: str, literal: str) -> Iterator[tuple[int, int]]:
    plain = literal.replace(BOUNDARY, "")
    edges = (r"\b" if literal.startswith(BOUNDARY) else "", r"\b" if literal.endswith(BOUNDARY) else "")
    for found in re.finditer(f"(?={edges[0]}{re.escape(plain)}{edges[1]})", line, re.ASCII):
        yield found.start(), found.start() + len(plain)


def _numbered(items: Iterable[_Item]) -> dict[_Item, int]:
    return {item: n for n, item in enumerate(dict.fromkeys(items))}


def _described(
    literals: Sequence[str], first: Sequence[int], usual: Mapping[str, float]
) -> tuple[U32, NDArray[np.uint8]]:
    """Describe each literal in a row; `first` are those that begin demands."""
    plain = [literal.replace(BOUNDARY, "") for literal in literals]
    if not all(plain):
        raise ValueError("a literal is empty")
    raw = [p.encode() for p in plain]
    begins = [0, *accumulate(map(len, raw))][:-1]
    edges = [w.startswith(BOUNDARY) + 2 * w.endswith(BOUNDARY) for w in literals]
    heads = [[int.from_bytes(b[i : i + 4], "little") for b in raw] for i in (0, 4)]
    columns = [begins, map(len, raw), map(len, plain), _chosen_windows(raw, first, usual), edges, *heads]
    return np.array(list(map(list, columns)), dtype=np.uint32).T.copy(), np.frombuffer(b"".join(raw), np.uint8)


def _chosen_windows(literals: Sequence[bytes], first: Sequence[int], usual: Mapping[str, float]) -> list[int]:
    """Choose where each literal's window begins: where usual text seldom holds these bytes, and other literals too.

    Those that begin demands share what windows begin with, as far as they can: the fewer such grams there are, the
    less of a text they are found in.
    """
    shares, held = _usual_grams(usual), Counter(w[:_GRAM] for raw in literals for w in _windows(raw))

    @cache
    def cost(window: bytes) -> tuple[float, int]:
        grams = [window[i : i + _GRAM] for i in range(max(1, len(window) - _GRAM + 1))]
        beginning, *others = [max(shares.get(gram, 0.0), _share_at_edges(gram)) for gram in grams]
        return beginning + min(others, default=0.0), held[window[:_GRAM]]

    rarest = [min((cost(w), at) for at, w in enumerate(_windows(raw)))[1] for raw in literals]
    taken: set[bytes] = set()
    for number in sorted(first, key=lambda n: (len(literals[n]), literals[n])):
        windows = _windows(literals[number])
        shared = [(cost(w), at) for at, w in enumerate(windows) if w[:_GRAM] in taken]
        rarest[number] = min(shared)[1] if shared else rarest[number]
        taken.add(windows[rarest[number]][:_GRAM])
    return rarest


def _usual_grams(usual: Mapping[str, float]) -> Mapping[bytes, float]:
    """Say of what words are made of how often it stands in usual texts."""
    shares: Counter[bytes] = Counter()
    for word, share in usual.items():
        raw = f" {word} ".encode() if word.isascii() else word.encode()
        for at in range(len(raw) - _GRAM + 1):
            shares[raw[at : at + _GRAM]] += share  # type: ignore[assignment]
    return shares


def _share_at_edges(gram: bytes) -> float:
    """Guess how often bytes stand in usual texts where one word ends and another begins."""
    letters = sum(byte != 0x20 for byte in gram)
    return _BETWEEN_WORDS if letters < len(gram) and gram.isascii() and gram[0] != 0x20 and gram[-1] != 0x20 else 0.0


def _windows(raw: bytes) -> list[bytes]:
    width = _width(len(raw))
    return [raw[i : i + width] for i in range(len(raw) - width + 1)]


def _width(size: int) -> int:
    return next(width for width in WIDTHS if width <= size)


def _table(rows: U32, text: NDArray[np.uint8], literals: Sequence[int]) -> WindowTable:
    windows = [_window(rows[n], text) for n in literals]
    number = _numbered(sorted(map(_key, windows)))
    lists = _lists([(number[_key(w)], n) for w, n in zip(windows, literals, strict=True)], len(number))
    keys, values = _hashed(list(number))
    filter_ = _filter(list(number), _FILTER_BITS * len(keys))
    return WindowTable(_gram_filter(set(windows)), filter_, keys, values, lists.starts, lists.items)


def _window(row: U32, text: NDArray[np.uint8]) -> bytes:
    begin, size, _, window = map(int, row[:4])
    return text[begin + window : begin + window + _width(size)].tobytes()


def _gram(row: U32, text: NDArray[np.uint8]) -> int:
    gram = _window(row, text)[:_GRAM]
    return int.from_bytes(gram, "little") if len(gram) == _GRAM else 0


def _key(window: bytes) -> int:
    return (int.from_bytes(window, "little") ^ (len(window) * _MIX_B & _U64)) * _MIX_A & _U64 or 1


def _gram_filter(windows: set[bytes]) -> U32:
    """Set the bit of every window's first four bytes, whatever follows a window of three; shorter ones set all."""
    begins = {window[:_GRAM] for window in windows}
    words = 1 << max(1, (_GRAM_WORDS * len(begins) - 1).bit_length())
    if any(len(b) < _GRAM - 1 for b in begins):
        return np.full(words, (1 << 32) - 1, dtype=np.uint32)
    filter_ = np.zeros(words, dtype=np.uint32)
    for begin in begins:
        hashed = int.from_bytes(begin[: _GRAM - 1], "little") * _MIX_GRAM & ((1 << 32) - 1)
        fourth = 1 << begin[-1] % 32 if len(begin) == _GRAM else (1 << 32) - 1
        filter_[hashed >> (33 - words.bit_length())] |= np.uint32(fourth)
    return filter_


def _filter(hashes: Sequence[int], bits: int) -> U64:
    """Set a bit for every hash."""
    filter_ = np.zeros(bits // 64, dtype=np.uint64)
    places = np.array(hashes, dtype=np.uint64) >> np.uint64(65 - bits.bit_length())
    np.bitwise_or.at(filter_, places // np.uint64(64), np.uint64(1) << places % np.uint64(64))
    return filter_


def _hashed(keys: Sequence[int]) -> tuple[U64, U32]:
    """Place keys in a table of open addresses, at least half of it empty."""
    bits = max(2, (2 * len(keys)).bit_length())
    slots = np.zeros(1 << bits, dtype=np.uint64)
    values = np.zeros(1 << bits, dtype=np.uint32)
    for value, key in enumerate(keys):
        at = key >> (64 - bits)
        while slots[at]:
            at = (at + 1) % len(slots)
        slots[at], values[at] = key, value
    return slots, values


def _lists(pairs: Sequence[tuple[int, int]], count: int) -> Lists:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    order = np.argsort(table[:, 0], kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(table[:, 0], minlength=count))])
    return Lists(starts.astype(np.uint32), table[order, 1].astype(np.uint32))


def _rows(demands: Sequence[Demand]) -> U32:
    counts = [len(d.sets) for d in demands]
    begins = [0, *accumulate(counts)][:-1]
    within = [ANYWHERE if d.within is None else d.within for d in demands]
    orders = [sum(rank << 4 * n for n, rank in enumerate(d.order)) | (1 << 31 if d.order else 0) for d in demands]
    columns = [begins, counts, within, [d.ears for d in demands], orders]
    return np.array(columns, dtype=np.uint32).T.copy().reshape(-1, 5)
