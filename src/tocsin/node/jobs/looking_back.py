"""Look new leads up in what came in before them, as far as it is kept."""

from dataclasses import dataclass, field

import msgspec

from tocsin.node.leads import LeadBook
from tocsin.node.leads.shelf import LOOK_US
from tocsin.node.node import Node
from tocsin.node.stores import cursors, events, leads, leases

LEASE_US = 60_000_000
SETTLE_US = 3 * LOOK_US  # after an import: by then every worker looks for the new leads in what it screens
_PARCELS = 4  # of one round
_NAME = "leads/back"


class _Pass(msgspec.Struct, frozen=True):
    """One pass through all parcels: `version` of the leads that it looks for; parcels are numbers."""

    version: int
    at: int
    upto: int


@dataclass
class LookingBack:
    """Go through the parcels that are kept once for the leads that are new; one worker of all does so at a time."""

    worker: str
    name: str = field(default="looking back", init=False)
    _next: int = field(default=0, init=False)
    _book: tuple[int, LeadBook] = field(default=(-1, LeadBook()), init=False)

    def run(self, node: Node) -> bool:
        """Look through a few parcels."""
        now = node.now()
        if now < self._next and self._next - now <= LOOK_US:
            return False
        under_way = self._under_way(node, now)
        if under_way is None:
            self._next = now + LOOK_US
            return False
        return self._go_on(node, under_way)

    def _under_way(self, node: Node, now: int) -> _Pass | None:
        """Find the pass to go on with, begun anew if leads changed since; None where no lead is new."""
        with node.database.reading() as connection:
            version = leads.version(connection)
            new = leads.in_force(connection, now, leads.NEW)
            kept = cursors.below(connection, _NAME).get("")
            upto = events.last_parcel(connection)
            fresh = leads.newest(connection) > now - SETTLE_US
        if not new or fresh:
            return None
        with node.database.writing() as connection:
            if not leases.take(connection, self.name, self.worker, leases.lease_of(connection, now, LEASE_US)):
                return None
        if self._book[0] != version:
            self._book = version, LeadBook(new)
        place = msgspec.json.decode(kept, type=_Pass) if kept else None
        return place if place and place.version == version else _Pass(version, 0, upto)

    def _go_on(self, node: Node, under_way: _Pass) -> bool:
        book, now = self._book[1], node.now()
        with node.database.reading() as connection:
            found = events.kept_after(connection, under_way.at, under_way.upto, _PARCELS)
        seen = [(row.id, book.sightings(events.unpack(row.traffic, node.keys.sealer, row.id))) for row in found]
        with node.database.writing() as connection:
            for parcel, sightings in seen:
                leads.see(connection, parcel, sightings)
            if found:
                place = _Pass(under_way.version, found[-1].id, under_way.upto)
                cursors.put(connection, _NAME, msgspec.json.encode(place).decode(), now)
            else:
                leads.looked_back(connection, book.leads)
                cursors.forget(connection, _NAME)
        return True
