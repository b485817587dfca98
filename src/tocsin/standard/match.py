"""A rule's match tree, compiled: where it matches a folded line, and which of its patterns must be there first."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import inf

from tocsin.forms import ConfigError
from tocsin.standard.factors import factors, factors_in_order, plain_literal, rarest_first, rarity
from tocsin.standard.model import AllOf, AnyOf, ListRef, Near, Node, Regex
from tocsin.standard.patterns import check_pattern, literal_pattern, loosen, rejecter, widest
from tocsin.text import BOUNDARY, Demand, is_lone

Span = tuple[int, int]
_MOST_SETS = 6
_LEAST_RARITY = 0.15  # what stands in two thirds of all texts says too little to look for
_FEW_LITERALS = 4
_LEAST_BYTES = 3  # what is shorter stands nearly everywhere, and is slow to look for
SENTENCE_END = re.compile(r"[。?!;]|(?<!\b[a-z])(?<!\b[dm]r)(?<!\bmrs)\.(?=\s)", re.ASCII)  # no initial, no "Dr."


@dataclass(frozen=True, slots=True)
class _Near:
    """Hold literals one of which stands in every match, and how many characters a match can have."""

    literals: tuple[str, ...]
    reach: int

    def stretch(self, line: str) -> Span | None:
        """Give the stretch of a line within which all matches are; None where there are none."""
        held = [w for w in self.literals if w in line]
        if not held:
            return None
        return max(min(map(line.find, held)) - self.reach, 0), max(map(line.rfind, held)) + self.reach


@dataclass(frozen=True)
class Leaf:
    """Match any of several patterns."""

    patterns: tuple[str, ...]

    @cached_property
    def exact(self) -> re.Pattern[str]:
        """The meaning, over a folded line."""
        return re.compile("|".join(self.patterns), re.ASCII)

    @cached_property
    def loose(self) -> re.Pattern[str]:
        """The meaning over a closed-up line, where blanks between words were lost."""
        return re.compile("|".join(map(loosen, self.patterns)), re.ASCII)

    @cached_property
    def surely_silent(self) -> Callable[[str], bool] | None:
        """The quick test for a line that holds no match."""
        return rejecter(self.patterns)

    @cached_property
    def near(self) -> "_Near | None":
        """Where in a line a match can be, if that is soon said."""
        widths = [widest(p) for p in self.patterns]
        branches = [branch for p in self.patterns for branch in factors(p)]
        literals = {w.replace(BOUNDARY, "") for branch in branches for w in (branch[0] if branch else [""])}
        if None in widths or "" in literals or len(literals) > _FEW_LITERALS:
            return None
        return _Near(tuple(sorted(literals)), max(w for w in widths if w is not None))

    def spans(self, line: str, loose: bool) -> list[Span]:
        """Find the spans, first to last."""
        if loose:
            return [m.span() for m in self.loose.finditer(line)]
        place = self._stretch(line)
        return [m.span() for m in self.exact.finditer(line, place[0])] if place else []

    def first(self, line: str, loose: bool) -> Span | None:
        """Find the first span."""
        if loose:
            found = self.loose.search(line)
        elif not (place := self._stretch(line)) or self._is_silent(line, *place):
            return None
        else:
            found = self.exact.search(line, place[0])
        return found.span() if found else None

    def _stretch(self, line: str) -> Span | None:
        """Give the stretch of a line within which all matches are."""
        return self.near.stretch(line) if self.near else (0, len(line))

    def _is_silent(self, line: str, start: int, end: int) -> bool:
        """Ask the quick test, which must see the characters beside a match."""
        return self.surely_silent is not None and self.surely_silent(line[max(start - 1, 0) : end + 1])

    def triggers(self) -> tuple[str, ...]:
        """Name the patterns one of which every match holds."""
        return self.patterns

    @property
    def size(self) -> int:
        """Count the patterns."""
        return len(self.patterns)

    @cached_property
    def weight(self) -> float:
        """Weigh how rare the weakest pattern's literals are."""
        weakest = (branch[0] if branch else frozenset() for p in self.patterns for branch in factors(p))
        return min(map(rarity, weakest))


@dataclass(frozen=True)
class Any:
    """Match where one item does."""

    items: tuple["Tree", ...]

    def spans(self, line: str, loose: bool) -> list[Span]:
        """Find the spans of every item."""
        return sorted(s for item in self.items for s in item.spans(line, loose))

    def first(self, line: str, loose: bool) -> Span | None:
        """Find the first span of any item."""
        return min((s for item in self.items if (s := item.first(line, loose))), default=None)

    def triggers(self) -> tuple[str, ...]:
        """Name the triggers of every item."""
        return tuple(t for item in self.items for t in item.triggers())

    @cached_property
    def size(self) -> int:
        """Count the patterns."""
        return sum(item.size for item in self.items)

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

    @cached_property
    def _smallest_first(self) -> tuple["Tree", ...]:
        """The items in the order in which they are tried: to weigh them would take longer than to try them."""
        return tuple(sorted(self.items, key=lambda item: item.size))

    @cached_property
    def size(self) -> int:
        """Count the patterns of the smallest item."""
        return self._smallest_first[0].size

    def spans(self, line: str, loose: bool) -> list[Span]:
        """Find the stretches that hold one span of each item; with no bound, the first span of the rarest item."""
        if any(item.first(line, loose) is None for item in self._smallest_first):
            return []
        if self.within is None:
            return [span for span in [self.rarest_first[0].first(line, loose)] if span]
        stretches = _windows([item.spans(line, loose) for item in self.items], self.within)
        # The tightest stretch from a start crosses a sentence's end only if all from there do.
        return [s for s in stretches if not self.one_sentence or not SENTENCE_END.search(line, s[0], s[1] - 1)]

    def first(self, line: str, loose: bool) -> Span | None:
        """Find the first such stretch."""
        return min(self.spans(line, loose), default=None)

    def triggers(self) -> tuple[str, ...]:
        """Name the triggers of the rarest item alone."""
        return self.rarest_first[0].triggers()

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
