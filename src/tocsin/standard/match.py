"""A rule's match tree, compiled: where it matches a folded line, and which of its patterns must be there first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tocsin.forms import ConfigError
from tocsin.standard.factors import factors, rarity
from tocsin.standard.model import AllOf, AnyOf, ListRef, Near, Node, Regex
from tocsin.standard.patterns import check_pattern, literal_pattern, loosen

Span = tuple[int, int]
_MOST_SPANS = 256
COMMONPLACE = 2.5


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

    def spans(self, line: str, loose: bool) -> list[Span]:
        """Find the spans, first to last."""
        found = (self.loose if loose else self.exact).finditer(line)
        return [m.span() for m, _ in zip(found, range(_MOST_SPANS), strict=False)]

    def first(self, line: str, loose: bool) -> Span | None:
        """Find the first span."""
        found = (self.loose if loose else self.exact).search(line)
        return found.span() if found else None

    def triggers(self) -> tuple[str, ...]:
        """Name the patterns one of which every match holds."""
        return self.patterns

    @cached_property
    def weight(self) -> float:
        """Weigh how rare the weakest pattern's literals are."""
        return min(rarity(factors(p)) for p in self.patterns)


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
    def weight(self) -> float:
        """Weigh the weakest item."""
        return min(item.weight for item in self.items)


@dataclass(frozen=True)
class All:
    """Match where every item does; `within` bounds the stretch that holds one span of each, None is the whole line."""

    items: tuple["Tree", ...]
    within: int | None = None

    @cached_property
    def rarest_first(self) -> tuple["Tree", ...]:
        """The items in the order in which they are looked for."""
        return tuple(sorted(self.items, key=lambda item: -item.weight))

    def spans(self, line: str, loose: bool) -> list[Span]:
        """Find the stretches that hold one span of each item; with no bound, the first span of the rarest item."""
        if any(item.first(line, loose) is None for item in self.rarest_first):
            return []
        if self.within is None:
            return [span for span in [self.rarest_first[0].first(line, loose)] if span]
        return list(_windows([item.spans(line, loose) for item in self.items], self.within))

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


def build_tree(node: Node, lists: Mapping[str, Sequence[Node]]) -> Tree:
    """Compile a node of the rule form.

    Errors: ConfigError for a pattern outside the rule form or an unknown list.
    """
    match node:
        case str():
            return Leaf((literal_pattern(node),))
        case Regex():
            check_pattern(node.regex)
            return Leaf((node.regex,))
        case ListRef():
            return _any([build_tree(item, {}) for item in _items(node.list_, lists)])
        case AnyOf():
            return _any([build_tree(item, lists) for item in node.any_])
        case AllOf():
            return All(tuple(build_tree(item, lists) for item in node.all_))
        case Near():
            return All(tuple(build_tree(item, lists) for item in node.near.of), node.near.within)


def branches(tree: Tree, *, loose: bool = False) -> list[list[frozenset[str]]]:
    """Say what a line must hold for the tree to match: every group of one branch, each by one of its literals.

    Groups of commonplace literals are left out where a branch has a rarer one: looking for them costs more than it
    saves.
    """
    if isinstance(tree, Any):
        return [branch for item in tree.items for branch in branches(item, loose=loose)]
    items = tree.rarest_first if isinstance(tree, All) else (tree,)
    groups = [_group(item, loose) for item in items]
    return [[g for i, g in enumerate(groups) if g and (i == 0 or rarity(g) >= COMMONPLACE)]]


def _group(tree: Tree, loose: bool) -> frozenset[str]:
    sets = [factors(loosen(p) if loose else p) for p in tree.triggers()]
    return frozenset[str]().union(*sets) if all(sets) else frozenset()


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
    """Slide over all spans by start; yield the tightest stretch at each last-seen set that fits."""
    marks = sorted((start, end, i) for i, spans in enumerate(groups) for start, end in spans)
    last: dict[int, Span] = {}
    for start, end, i in marks:
        last[i] = (start, end)
        if len(last) == len(groups):
            low, high = min(s for s, _ in last.values()), max(e for _, e in last.values())
            if high - low <= within:
                yield low, high
