"""Screen what waits: exactly once in its effect, whatever dies on the way."""

import gc
from dataclasses import dataclass, field

import pyarrow as pa

from tocsin.flow import Detectors, Judging, Recipe
from tocsin.forms import TRAFFIC
from tocsin.forms.limits import BATCH_ROWS, BATCH_TEXT_BYTES
from tocsin.node.node import Node
from tocsin.node.stores import events, parts, totals
from tocsin.node.stores.events import Claimed
from tocsin.node.stores.names import time_id
from tocsin.node.stores.parts import Part
from tocsin.screen import screen_batch

CLAIM_US = 120_000_000  # after which another worker takes over what this one has begun


class _LostError(Exception):
    """Raise when another worker has taken over a claim: nothing may be written."""


@dataclass
class Screening:
    """Claim parcels, screen them as one batch, and settle them in the transaction that writes what they gave."""

    worker: str
    detectors: Detectors
    made_with: str
    keep_traffic: bool
    name: str = field(default="screening", init=False)

    @classmethod
    def load(cls, node: Node, worker: str) -> "Screening":
        """Load the rules and the classifier, once for the life of the worker."""
        s = node.config.screening
        keep = s.evidence == "excerpt"
        recipe = Recipe(node.home.path(s.standard), node.home.cache, keep, judging=Judging(stage=s.stage))
        detectors = recipe.detectors()
        gc.freeze()  # they live as long as the worker
        made_with = f"{detectors[0].standard_version} {s.stage} {s.evidence}"
        return cls(worker, detectors, made_with, node.config.retention.traffic_days > 0)

    def run(self, node: Node) -> bool:
        """Screen one batch of what waits."""
        claimed = self._claim(node)
        if claimed is None:
            return False
        screened = screen_batch(claimed.traffic, *self.detectors)
        now = node.now()
        part = Part(time_id(now, node.random), claimed.traffic.num_rows, self.made_with, screened)
        try:
            with node.database.writing() as connection:
                if not events.settle(connection, claimed.ids, self.worker, part.id, keep=self.keep_traffic):
                    raise _LostError
                parts.add(connection, part, node.keys.sealer, now)
                totals.add(connection, "events", part.rows)
        except _LostError:
            pass
        return True

    def _claim(self, node: Node) -> Claimed | None:
        now = node.now()
        with node.database.writing() as connection:
            rows = events.claim(connection, self.worker, now, now + CLAIM_US, BATCH_ROWS, BATCH_TEXT_BYTES)
        if not rows:
            return None
        opened = [events.unpack(row.traffic, node.keys.sealer, row.id) for row in rows]
        traffic = pa.Table.from_batches(opened, TRAFFIC).combine_chunks().to_batches()[0]
        return Claimed(tuple(row.id for row in rows), traffic)
