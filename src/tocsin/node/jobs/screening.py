"""Screen what waits: exactly once in its effect, whatever dies on the way."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.flow import Detectors, Judging, Recipe
from tocsin.forms import TRAFFIC, VerificationError
from tocsin.forms.limits import BATCH_ROWS, BATCH_TEXT_BYTES
from tocsin.node.leads import Sighting
from tocsin.node.node import Node
from tocsin.node.stores import events, leads, leases, parts, totals
from tocsin.node.stores.names import time_id
from tocsin.node.stores.parts import Part
from tocsin.node.withholding import Withheld
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
    withheld: Withheld
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
        withheld = Withheld.of(s.withhold_orgs, node.keys.identity)
        return cls(worker, detectors, made_with, node.config.retention.traffic_days > 0, withheld)

    def run(self, node: Node) -> bool:
        """Screen one batch of what waits.

        Errors: VerificationError, once the rest is done, for parcels that cannot be opened: they are set aside.
        """
        rows = self._claim(node)
        opened, problems = self._opened(node, rows)
        if opened:
            self._screen(node, opened)
        if problems:
            self._set_aside(node, problems)
        return bool(rows)

    def _claim(self, node: Node) -> list[Any]:
        with node.database.writing() as connection:
            lease = leases.lease_of(connection, node.now(), CLAIM_US)
            return events.claim(connection, self.worker, lease, BATCH_ROWS, BATCH_TEXT_BYTES)

    def _opened(self, node: Node, rows: list[Any]) -> tuple[dict[int, pa.RecordBatch], dict[int, str]]:
        opened, problems = {}, {}
        for row in rows:
            if row.tries > events.WORN:
                problems[row.id] = f"no worker could screen it in {events.WORN} tries"
                continue
            try:
                opened[row.id] = events.unpack(row.traffic, node.keys.sealer, row.id)
            except (VerificationError, pa.ArrowException) as error:
                problems[row.id] = str(error) if isinstance(error, VerificationError) else "it holds no batch"
        return opened, problems

    def _screen(self, node: Node, opened: dict[int, pa.RecordBatch]) -> None:
        traffic = pa.Table.from_batches(list(opened.values()), TRAFFIC).combine_chunks().to_batches()[0]
        screened = self.withheld.stripped(screen_batch(traffic, *self.detectors), traffic)
        now = node.now()
        part = Part(time_id(now, node.random), traffic.num_rows, self.made_with, screened)
        kept = dict(self._changed(node, opened))
        met = self._met(node, opened)
        try:
            with node.database.writing() as connection:
                if not events.settle(connection, list(opened), self.worker, part.id, kept):
                    raise _LostError
                parts.add(connection, part, node.keys.sealer, now)
                totals.add(connection, "events", part.rows)
                for parcel, sightings in met:
                    leads.see(connection, parcel, sightings)
        except _LostError:
            pass

    def _met(self, node: Node, opened: dict[int, pa.RecordBatch]) -> list[tuple[int, list[Sighting]]]:
        """Look up the leads in force, parcel by parcel."""
        book = node.leads.book(node.now())
        return [(number, book.sightings(batch)) for number, batch in opened.items()]

    def _changed(self, node: Node, opened: dict[int, pa.RecordBatch]) -> Iterator[tuple[int, bytes | None]]:
        """Say what is kept of parcels of which not all is."""
        for number, batch in opened.items():
            if not self.keep_traffic:
                yield number, None
            elif pc.any(self.withheld.rows(batch)).as_py():
                yield number, events.pack(self.withheld.emptied(batch), node.keys.sealer, number)

    def _set_aside(self, node: Node, problems: dict[int, str]) -> None:
        with node.database.writing() as connection:
            for number, problem in problems.items():
                events.set_aside(connection, number, self.worker, problem)
        number, problem = next(iter(problems.items()))
        why = f"{len(problems)} parcels were set aside, the first is {number}: {problem}"
        raise VerificationError(why, hint="mend what is wrong, then run `tocsin node again DIR`")
