"""Let go of what has been kept for long enough, all but what is under legal hold."""

import time
from dataclasses import dataclass, field

from tocsin.node.forgetting import LEASE_US
from tocsin.node.node import Node
from tocsin.node.stores import holds, leases, parts, removal, totals
from tocsin.node.stores.names import time_id

ROUND_SECONDS = 3600.0
MOST_PARCELS = 200
_DAY_US = 86_400_000_000


@dataclass
class Retention:
    """Look once an hour; a bounded piece at a time."""

    worker: str
    name: str = field(default="retention", init=False)
    _next: float = field(default=float("-inf"), init=False)
    _done: int = field(default=0, init=False)  # parcels up to this number were seen to in this round

    def run(self, node: Node) -> bool:
        """Let some go; tell whether there may be more."""
        if time.monotonic() < self._next:
            return False
        with node.database.erasing() as connection:
            lease = leases.lease_of(connection, node.now(), LEASE_US)
            if not leases.take(connection, self.name, self.worker, lease):
                self._next = time.monotonic() + ROUND_SECONDS
                return False
            held = [hold.account for hold in holds.in_force(connection, lease.now)]
            before = lease.now - node.config.retention.traffic_days * _DAY_US
            old = removal.old_parcels(connection, before, self._done, MOST_PARCELS)
            removal.let_traffic_go(connection, old, held, node.keys.sealer)
        if old:
            self._done = old[-1]
            return True
        more = self._findings(node)
        if not more:
            self._next, self._done = time.monotonic() + ROUND_SECONDS, 0
        return more

    def _findings(self, node: Node) -> bool:
        with node.database.erasing() as connection:
            lease = leases.lease_of(connection, node.now(), LEASE_US)
            before = lease.now - node.config.retention.findings_days * _DAY_US
            held = [hold.account for hold in holds.in_force(connection, lease.now)]
            for part, rows in removal.old_parts(connection, before):
                if not held and parts.drop(connection, part):
                    totals.add(connection, "outlived", rows)
                elif held:
                    new = time_id(lease.now, node.random)
                    removal.keep_in_part(connection, part, held, node.keys.sealer, new)
            return removal.let_ids_go(connection, before, MOST_PARCELS) > 0
