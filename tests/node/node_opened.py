"""A node opened in this process, with its jobs run by hand."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tocsin.cli.rim import cache_folder
from tocsin.flow import Judging, Recipe
from tocsin.flow.workers import Detectors
from tocsin.node import Node, init_node, open_node
from tocsin.node.jobs.casing import Casing
from tocsin.node.jobs.retention import Retention
from tocsin.node.jobs.screening import Screening
from tocsin.node.stores import cases, events, parts, removal
from tocsin.node.withholding import Withheld
from tocsin.standard import Standard, load_standard
from tocsin.traffic import hash_identifier
from tocsin.traffic.sample import build_sample

DAY = 86_400.0


def sample(one_in: int) -> list[dict[str, Any]]:
    """Some events of the shipped sample, as plain JSON."""
    return [json.loads(json.dumps(event, ensure_ascii=False)) for event in build_sample().events[::one_in]]


@dataclass
class Loaded:
    """What takes long to load: once for many nodes."""

    detectors: Detectors
    standard: Standard

    @classmethod
    def load(cls) -> "Loaded":
        recipe = Recipe(None, cache_folder(), True, judging=Judging(stage="first"))
        return cls(recipe.detectors(), load_standard(None, prove=False))


@dataclass
class Opened:
    """A node whose clock stands where it is put."""

    folder: Path
    loaded: Loaded
    url: str = ""
    now: float = 1_800_000_000.0
    token: str = ""

    def __post_init__(self) -> None:
        if not self.folder.exists():
            self.token = init_node(self.folder, self.url, self.clock).token
        self.node: Node = open_node(self.folder, self.clock)
        self.restart()

    def clock(self) -> float:
        return self.now

    def restart(self, worker: str = "W") -> None:
        """Begin as a worker that knows nothing yet."""
        node = self.node
        withheld = Withheld.of(node.config.screening.withhold_orgs, node.keys.identity)
        keep = node.config.retention.traffic_days > 0
        self.screening = Screening(worker, self.loaded.detectors, "test", keep, withheld)
        self.casing = Casing(worker, self.loaded.standard, 0.0)
        self.retention = Retention(worker)

    def settings(self, section: str, **values: Any) -> None:
        """Change settings as a new start would read them."""
        changed = getattr(self.node.config, section).model_copy(update=values)
        self.node = replace(self.node, config=self.node.config.model_copy(update={section: changed}))
        self.restart()

    def send(self, lines: Sequence[dict[str, Any]]) -> int:
        return self.node.intake.accept(lines, "test").accepted

    def settle(self) -> list[dict[str, Any]]:
        """Screen all that waits and form the cases; gives them, the weightiest first."""
        while self.screening.run(self.node):
            pass
        self.casing._next = float("-inf")
        self.casing.run(self.node)
        return self.cases()

    def let_go(self) -> None:
        self.retention._next = float("-inf")
        while self.retention.run(self.node):
            pass

    def cases(self) -> list[dict[str, Any]]:
        with self.node.database.reading() as connection:
            return [dict(row) for row in cases.page(connection, 1000)]

    def hash(self, account: str) -> str:
        return hash_identifier(account, self.node.keys.identity)

    def texts(self) -> dict[str, str]:
        """All texts that are kept, by event id."""
        found: dict[str, str] = {}
        with self.node.database.reading() as connection:
            for parcel, sealed in _sealed(connection):
                batch = events.unpack(sealed, self.node.keys.sealer, parcel)
                found |= dict(zip(batch["event_id"].to_pylist(), batch["text"].to_pylist(), strict=True))
        return found

    def naming(self, account: str) -> int:
        """Count what names an account, in whatever is kept, sealed or not."""
        digest = self.hash(account)
        with self.node.database.reading() as connection:
            count = removal.remains(connection, digest)
            for parcel, sealed in _sealed(connection):
                count += _named(events.unpack(sealed, self.node.keys.sealer, parcel), digest)
            for listed in parts.listing(connection):
                screened = parts.load(connection, listed.id, self.node.keys.sealer)
                assert screened
                count += sum(_named(getattr(screened, name), digest) for name in ("findings", "activity", "sketches"))
        return count

    def parts(self) -> list[int]:
        with self.node.database.reading() as connection:
            return [part.id for part in parts.listing(connection)]


def _named(table: Any, digest: str) -> int:
    return int(table["account"].to_pylist().count(digest))


def _sealed(connection: Any) -> Iterable[tuple[int, bytes]]:
    from sqlalchemy import select

    from tocsin.node.db.schema import PARCELS

    rows = connection.execute(select(PARCELS.c.id, PARCELS.c.traffic).where(PARCELS.c.traffic.is_not(None)))
    return [(row.id, row.traffic) for row in rows]
