"""A rule's match tree, compiled: where it matches a folded line, and which of its patterns must be there first."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, takewhile
from math import inf

from tocsin.forms import ConfigError
from tocsin.standard.factors import factors, factors_in_order, plain_literal, rarest_first, rarity
from tocsin.standard.model import AllOf, AnyOf, ListRef, Near, Node, Regex
from tocsin.standard.patterns import check_pattern, literal_pattern, loosen, widest
from tocsin.standard.reading import Line, Reading, Span
from tocsin.text import BOUNDARY, Demand, is_lone

_MOST_SETS = 6
_LEAST_RARITY = 0.15  # what stands in two thirds of all texts says too little to look for
_LEAST_BYTES = 3  # what is shorter stands nearly everywhere, and is slow to look for
SENTENCE_END = re.compile(r"[。?!;]|(?<!\b[a-z])(?<!\b[dm]r)(?<!\bmrs)\.(?=\s)", re.ASCII)  # no initial, no "Dr."


@dataclass(frozen=True)
class Leaf:
    """Match any of several patterns."""

    patterns: tuple[str, ...]

    @cached_property
    def exact(self) -> Reading:
        """The patterns over a folded line."""
        return Reading.of(self.patterns)

    @cached_property
    def loose(self) -> Reading:
        """The patterns over a closed-up line, where blanks between words were lost."""
        return Reading.of(map(loosen, self.patterns))

    def soonest(self, line: Line) -> int | None:
        """Say where the first span can begin, None where there is none."""
        return self._reading(line).soonest(line)

    def spans(self, line: Line, low: int = 0, high: float = inf) -> list[Span]:
        """Find the spans that lie between two places, first to last."""
        soon = takewhile(lambda span: span[0] < high, self._reading(line).spans(line))
        return [span for span in soon if low <= span[0] and span[1] <= high]

    def first(self, line: Line) -> Span | None:
        """Find the first span."""
        return self._reading(line).first(line)

    def _reading(self, line: Line) -> Reading:
        return self.loose if line.loose else self.exact

    @cached_property
    def weight(self) -> float:
        """Weigh how rare the weakest pattern's literals are."""
        weakest = (branch[0] if branch else frozenset() for p in self.patterns for branch in factors(p))
        return min(map(rarity, weakest))


@dataclass(frozen=True)
class Any:
    """Match where one item does."""

    items: tuple["Tree", ...]

    def soonest(self, line: Line) -> int | None:
        """Say where the first span can begin, None where there is none."""
        return min((at for item in self.items if (at := item.soonest(line)) is not None), default=None)

    def spans(self, line: Line, low: int = 0, high: float = inf) -> list[Span]:
        """Find the spans of every item that lie between two places."""
        return sorted(s for item in self.items for s in item.spans(line, low, high))

    def first(self, line: Line) -> Span | None:
        """Find the first span of any item."""
        return min((s for item in self.items if (s := item.first(line))), default=None)

    @cached_property
    def weight(self) -> float:
        """Weigh the weakest item."""
        return min(item.weight for item in self.items)


@dataclass(frozen=True)
class All:
    """Match where every item does; `within` bounds the stretch that holds one span of each, None is the whole line.

    With `one_sentence` no sentence ends inside the stretch.
    """

    items: tuple["Tree", ...]
    within: int | None = None
    one_sentence: bool = False

    @cached_property
    def rarest_first(self) -> tuple["Tree", ...]:
        """The items in the order in which the sieve looks for them."""
        return tuple(sorted(self.items, key=lambda item: -item.weight))

    def soonest(self, line: Line) -> int | None:
        """Say where the first span can begin, None where there is none."""
        begins, within = self._begins(line), inf if self.within is None else self.within
        return int(max(max(begins) - within, 0)) if begins else None

    def _begins(self, line: Line) -> list[int]:
        """Say where the first span of each item can begin; nothing where an item has none."""
        begins: list[int] = []
        for item in self.items:
            if (begin := item.soonest(line)) is None:
                return []
            begins.append(begin)
        return begins

    def spans(self, line: Line, low: int = 0, high: float = inf) -> list[Span]:
        """Find the stretches that hold one span of each item and lie between two places.

        With no bound, find the first span of the rarest item.
        """
        if self.within is None:
            return [span for span in [self._first_of_all(line)] if span and low <= span[0] and span[1] <= high]
        stretches = _windows(self._near(line, self.within, low, high), self.within)
        # The tightest stretch from a start crosses a sentence's end only if all from there do.
        return [s for s in stretches if not self.one_sentence or not SENTENCE_END.search(line.text, s[0], s[1] - 1)]

    def _near(self, line: Line, within: int, low: int, high: float) -> list[list[Span]]:
        """Find the spans of each item that can lie in one stretch with those of the others; nothing if there are none.

        What can begin last is likely the rarest: the others are looked for beside it.
        """
        begins = self._begins(line)
        if not begins:
            return []
        low = max(low, max(begins) - within)
        groups = []
        for _, item in sorted(zip(begins, self.items, strict=True), key=lambda begun: -begun[0]):
            spans = item.spans(line, low, high)
            if not spans:
                return []
            groups.append(spans)
            low, high = max(low, min(e for _, e in spans) - within), min(high, spans[-1][0] + within)
        return groups

    def _first_of_all(self, line: Line) -> Span | None:
        silent = any(item.soonest(line) is None or item.first(line) is None for item in self.items)
        return None if silent else self.rarest_first[0].first(line)

    def first(self, line: Line) -> Span | None:
        """Find the first such stretch."""
        return min(self.spans(line), default=None)

    @cached_property
    def weight(self) -> float:
        """Weigh the rarest item."""
        return self.rarest_first[0].weight


Tree = Leaf | Any | All


def build_tree(node: Node, lists: Mapping[str, Sequence[Node]], *, check: bool = True) -> Tree:
    """Compile a node of the rule form; `check=False` is for patterns that were checked before.

    Errors: ConfigError for a pattern outside the rule form or an unknown list.
    """

    def build(item: Node, among: Mapping[str, Sequence[Node]] = lists) -> Tree:
        return build_tree(item, among, check=check)

    match node:
        case str():
            return Leaf((literal_pattern(node),))
        case Regex():
            if check:
                check_pattern(node.regex)
            return Leaf((node.regex,))
        case ListRef():
            return _any([build(item, {}) for item in _items(node.list_, lists)])
        case AnyOf():
            return _any([build(item) for item in node.any_])
        case AllOf():
            return All(tuple(build(item) for item in node.all_))
        case Near():
            return All(tuple(build(item) for item in node.near.of), node.near.within, node.near.one_sentence)


def alternatives(tree: Tree) -> tuple[Tree, ...]:
    """Split a tree into trees one of which matches where it does."""
    if isinstance(tree, Any):
        return tuple(part for item in tree.items for part in alternatives(item))
    return tuple(Leaf((p,)) for p in tree.patterns) if isinstance(tree, Leaf) else (tree,)


def demands(tree: Tree, *, loose: bool = False) -> list[Demand]:
    """Say what a line must hold for the tree to match: it meets one of these. One without sets can match anywhere."""
    if isinstance(tree, Any):
        return [demand for item in tree.items for demand in demands(item, loose=loose)]
    if isinstance(tree, Leaf):
        patterns = [loosen(p) if loose else p for p in tree.patterns]
        return [_in_order(branch, widest(p)) for p in patterns for branch in factors_in_order(p)]
    first, *others = tree.rarest_first
    also = [s for item in others for s in _sets(item, loose)]
    within = tree.within if all(map(_spans_whole, tree.items)) else None
    return [_demand([*map(frozenset, d.sets), *also], within) for d in demands(first, loose=loose)]


def _in_order(sets: Sequence[frozenset[str]], within: int | None) -> Demand:
    """Demand the sets of a branch one behind another."""
    demand = _demand(sets, within)
    place = {tuple(sorted(s)): n for n, s in enumerate(sets)}
    ranks = sorted(place[s] for s in demand.sets)
    return replace(demand, order=tuple(ranks.index(place[s]) for s in demand.sets))


def is_plain(tree: Tree, demand: Demand) -> bool:
    """Say whether whatever meets a demand of a tree matches the tree, where the demand's literal stands."""
    lone = isinstance(tree, Leaf) and len(tree.patterns) == 1 and is_lone(demand)
    return lone and plain_literal(tree.patterns[0]) == demand.sets[0][0]  # type: ignore[union-attr]


def _demand(sets: Iterable[frozenset[str]], within: int | None) -> Demand:
    """Keep the few rarest sets, rarest first; those with a literal of a letter or two come last."""
    ordered = sorted(dict.fromkeys(sets), key=lambda s: (_is_short(s), rarest_first(s)))
    chosen = [s for n, s in enumerate(ordered[:_MOST_SETS]) if not n or rarity(s) >= _LEAST_RARITY]
    return Demand(tuple(tuple(sorted(s)) for s in chosen), within)


def _is_short(strings: frozenset[str]) -> bool:
    return any(len(w.strip(BOUNDARY).encode()) < _LEAST_BYTES for w in strings)


def _spans_whole(tree: Tree) -> bool:
    """Say whether the tree's spans hold all that makes it match."""
    if isinstance(tree, Any):
        return all(map(_spans_whole, tree.items))
    return isinstance(tree, Leaf) or (tree.within is not None and all(map(_spans_whole, tree.items)))


def _sets(tree: Tree, loose: bool) -> list[frozenset[str]]:
    """Join what the tree demands into sets, of each of which one literal stands in every match."""
    parts = demands(tree, loose=loose)
    if not all(d.sets for d in parts):
        return []
    ranks = range(max(len(d.sets) for d in parts))
    return [frozenset(w for d in parts for w in d.sets[min(rank, len(d.sets) - 1)]) for rank in ranks]


def _items(name: str, lists: Mapping[str, Sequence[Node]]) -> Sequence[Node]:
    if name not in lists:
        raise ConfigError(f"no list is named {name!r} in this file", hint=f"it has {', '.join(lists) or 'none'}")
    return lists[name]


def _any(items: list[Tree]) -> Tree:
    leaves = [item for item in items if isinstance(item, Leaf)]
    others = tuple(item for item in items if not isinstance(item, Leaf))
    joined = (Leaf(tuple(p for leaf in leaves for p in leaf.patterns)),) if leaves else ()
    together = (*joined, *others)
    return together[0] if len(together) == 1 else Any(together)


def _windows(groups: list[list[Span]], within: int) -> Iterator[Span]:
    """Yield, for every start of a span, the tightest stretch from there with one span of each group, if it fits."""
    soonest = [_SoonestEnd.of(spans) for spans in groups]
    for low in sorted({start for spans in groups for start, _ in spans}):
        high = max(group.after(low) for group in soonest)
        if high - low <= within:
            yield low, int(high)


@dataclass(frozen=True, slots=True)
class _SoonestEnd:
    starts: list[int]
    ends: list[float]  # the least end of this span and all that start later

    @classmethod
    def of(cls, spans: list[Span]) -> "_SoonestEnd":
        ordered = sorted(spans)
        ends = list(accumulate((float(end) for _, end in reversed(ordered)), min))
        return cls([start for start, _ in ordered], ends[::-1])

    def after(self, low: int) -> float:
        at = bisect_left(self.starts, low)
        return self.ends[at] if at < len(self.ends) else inf
