"""Join small parts to larger ones: a node that is told of a few events a second makes very many."""

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa

from tocsin.node.stores.parts import Listed, Part
from tocsin.screen import Screened, add_counts

FEW = 16  # parts of about one size that become one
MOST_ROWS = 1 << 20
MOST_BYTES = 64 << 20
_LEVEL_BITS = 4  # so that an event is written anew once for every FEW-fold growth


def due(listed: Sequence[Listed]) -> list[list[Listed]]:
    """Choose parts to join, each list of one size; what was made otherwise is not mixed."""
    alike: dict[tuple[str, int], list[Listed]] = defaultdict(list)
    for part in listed:
        if part.rows * FEW <= MOST_ROWS and part.size * FEW <= MOST_BYTES:
            alike[part.made_with, part.rows.bit_length() // _LEVEL_BITS].append(part)
    return [some[at : at + FEW] for some in alike.values() for at in range(0, len(some) - FEW + 1, FEW)]


def join(number: int, parts: Sequence[Listed], screened: Sequence[Screened]) -> Part:
    """Make one part of several that were made alike."""
    whole = Screened(
        findings=pa.concat_tables([one.findings for one in screened]),
        activity=add_counts([one.activity for one in screened]),
        sketches=pa.concat_tables([one.sketches for one in screened]),
        scores=screened[0].scores,
        fingerprints=screened[0].fingerprints,
        sessions=screened[0].sessions,
        turns=screened[0].turns,
    )
    return Part(number, sum(part.rows for part in parts), parts[0].made_with, whole)
