"""Many accounts on one device, payment, client or network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.screen.behaviour import AccountFinding, Behaviour, Places

LEAST = {"device": 5, "payment": 5, "client": 8, "network": 8}
TELLING = ("device", "payment")  # strangers seldom share these
USUAL_SHARE = 0.1  # a value that more of a run's accounts have is infrastructure
USUAL_LEAST = {"device": 50, "payment": 50, "client": 25, "network": 25}  # unless it has no more accounts than this
SMALL_RUN_SHARE = 0.5  # of a small run's accounts, on what strangers may share
SAME_SHARE = 0.5
MISUSE_SHARE = {
    "device": 0.3,
    "payment": 0.3,
    "client": 0.6,
    "network": 0.6,
}  # a campaign on a campus is not the campus
HINT = 2  # the most that is said of a client or network while no rule speaks


@dataclass(frozen=True)
class SharedDetector:
    """Speak of accounts that share a rare device, payment, client or network, the graver the more else they share.

    A family shares a device, a campus or an office a network and a client, a class a template as well. So a client or
    network is told of only where accounts came together or draw rule findings, and is grave only with the latter; a
    template counts beside other signs alone.
    """

    name: ClassVar[str] = "shared"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account of every value that is shared enough."""
        for measure in LEAST:
            rows = behaviour.measure(measure)
            places = behaviour.places(rows["account"])
            for start, stop in _rare(rows, measure, len(behaviour.asked)):
                signs = _signs(measure, places[start:stop], behaviour)
                yield from self._judge(measure, rows.slice(start, stop - start), signs)

    def _judge(self, measure: str, uses: pa.Table, signs: Sequence[str]) -> Iterator[AccountFinding]:
        severity = _severity(measure in TELLING, signs)
        if severity < HINT:
            return
        score = min(0.95, 0.3 + 0.15 * len(signs) + 0.01 * len(uses) + 0.1 * (measure in TELLING))
        facts = f"{measure}: accounts={len(uses)} signs={'+'.join(signs) or 'none'}"
        for use in uses.select(["account", "first"]).to_pylist():
            yield AccountFinding(use["account"], use["first"], "M13", severity, round(score, 2), facts)


def _rare(rows: pa.Table, measure: str, everyone: int) -> Iterator[tuple[int, int]]:
    """Say where those values begin and end that neither few nor a usual number of accounts have."""
    most = max(USUAL_LEAST[measure], USUAL_SHARE * everyone)
    if measure not in TELLING:
        most = min(most, SMALL_RUN_SHARE * everyone)
    ends = np.cumsum(pc.value_counts(rows["value"]).field("counts"))  # the rows of a value stand together
    for start, stop in pairwise([0, *ends.tolist()]):
        if LEAST[measure] <= stop - start <= most:
            yield start, stop


def _severity(telling: bool, signs: Sequence[str]) -> int:
    strong = [s for s in signs if s != "one_template"]
    severity = min(4, 1 + telling + (len(signs) if strong else 0))
    return severity if telling or "misuse" in signs else min(severity, HINT)


def _signs(measure: str, places: Places, behaviour: Behaviour) -> list[str]:
    signs = {
        "came_together": behaviour.came_together(places),
        "one_template": behaviour.on_one_template(places) >= SAME_SHARE * len(places),
        "misuse": behaviour.misused[places].sum() >= MISUSE_SHARE[measure] * len(places),
    }
    return [name for name, holds in signs.items() if holds]
