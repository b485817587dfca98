"""Branches of one log (rule 21): where two are proved, its author is believed up to where they part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from tocsin.coalition.charter import Charter
from tocsin.coalition.reading import Prefix
from tocsin.coalition.timing import Clock, count_stamps
from tocsin.coalition.trees import hashes_of
from tocsin.ledger import Evidence, compare

_HASH_BYTES = 32


@dataclass(frozen=True)
class Chosen:
    """What of a log is believed; `forked`: the index at which two proved branches part."""

    prefix: Prefix
    forked: int | None = None


def choose(branches: Sequence[Prefix], chain: Sequence[Charter], clock: Clock) -> Chosen | None:
    """Take the longest proved prefix, or where two proved ones contradict each other, what both share.

    A branch is proved as far as its stamps reach: anybody can make up the rest. A charter that ends the log heals it:
    its root says which branch was the log.
    """
    if len(branches) < 2:
        return Chosen(branches[0]) if branches else None
    branches = _healed(branches, chain)
    proved = [(count_stamps(branch, chain, clock).reach, branch) for branch in branches]
    parts = [part for i, one in enumerate(proved) for two in proved[:i] if (part := _part(*one, *two)) is not None]
    best = max(proved, key=lambda one: (one[0], one[1].size, one[1].leaves))[1]
    return Chosen(_cut(best, min(parts)), min(parts)) if parts else Chosen(best)


def _healed(branches: Sequence[Prefix], chain: Sequence[Charter]) -> Sequence[Prefix]:
    for end in (end for charter in chain for end in charter.text.ends if end.origin == branches[0].origin):
        branches = [b for b in branches if b.size >= end.size and b.root(end.size) == end.root] or branches
    return branches


def fork_evidence(branches: Sequence[Prefix]) -> Evidence | None:
    """Find two checkpoints, stamped in two branches of a log, that contradict each other: evidence for anybody."""
    for one, two in permutations(branches, 2):
        part = _part(one.size, one, two.size, two)
        past = (stamp for stamp in one.stamps if part is not None and stamp.size > part)
        first = min(past, key=lambda stamp: stamp.size, default=None)
        last = max(two.stamps, key=lambda stamp: stamp.size, default=None)
        if first and last and last.size >= first.size:
            return compare(first.note, last.note, hashes_of(two))
    return None


def _part(one_size: int, one: Prefix, two_size: int, two: Prefix) -> int | None:
    """Find the first index at which the proved parts of two branches differ."""
    size = min(one_size, two_size)
    if one.leaves[: size * _HASH_BYTES] == two.leaves[: size * _HASH_BYTES]:
        return None
    return next(i for i in range(size) if _leaf(one, i) != _leaf(two, i))


def _leaf(prefix: Prefix, index: int) -> bytes:
    return prefix.leaves[index * _HASH_BYTES : (index + 1) * _HASH_BYTES]


def _cut(prefix: Prefix, size: int) -> Prefix:
    """Keep what stands before `size`. Stamps that stand later are gone too: they prove one branch only."""
    entries = tuple(entry for entry in prefix.entries if entry.index < size)
    stamps = tuple(stamp for stamp in prefix.stamps if stamp.index < size)
    return replace(prefix, size=size, entries=entries, stamps=stamps, leaves=prefix.leaves[: size * _HASH_BYTES])
