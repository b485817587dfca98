"""Walk compiled match trees."""

from collections.abc import Iterator

from tocsin.standard.match import Leaf, Tree


def patterns_of(tree: Tree) -> Iterator[str]:
    if isinstance(tree, Leaf):
        yield from tree.patterns
    else:
        for item in tree.items:
            yield from patterns_of(item)
