"""When sealed entries are appended: at once, or in batches at a fixed cadence, topped up with cover.

Who watches a log then learns neither when something was said nor, with cover, how much. All is off by default.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from tocsin.coalition.sealing import CLASSES, Random, cover
from tocsin.forms.errors import FormatError
from tocsin.forms.statements import Count, Hash, Sealed, decode

DAY = 86_400


class Cadence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between batches, 0 for none; entries of every batch, 0 for as many as wait; number of the last one."""

    every: Annotated[int, Meta(ge=0, le=7 * DAY)] = 0
    cover: Annotated[int, Meta(ge=0, le=1024)] = 0
    last: Count = 0

    def due(self, now: int) -> bool:
        """Tell whether a batch may go: one in each span of `every` seconds."""
        return self.every == 0 or now // self.every > self.last

    def after(self, now: int) -> "Cadence":
        """Give the cadence after a batch."""
        return msgspec.structs.replace(self, last=now // self.every if self.every else 0)

    def encode(self) -> bytes:
        """Write the setting."""
        return msgspec.json.encode(self)


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed entry that waits: its day of expiry is told when it goes, so that it does not tell when it was made."""

    length: Count
    digest: Hash
    slots: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]{342}==\Z")]

    def entry(self, origin: str, now: int) -> Sealed:
        """Write the entry as of now."""
        return Sealed(origin, self.digest, now - now % DAY + self.length, self.slots)

    def encode(self) -> bytes:
        """Write what waits."""
        return msgspec.json.encode(self)


_CADENCES = msgspec.json.Decoder(Cadence)
_WAITING = msgspec.json.Decoder(Waiting)


def parse_cadence(raw: bytes) -> Cadence:
    """Read the setting.

    Errors: FormatError.
    """
    found: Cadence = decode(_CADENCES, raw, "cadence")
    if found.cover and not found.every:
        raise FormatError("cover needs a cadence", hint="set --every too")
    return found


def parse_waiting(raw: bytes) -> Waiting:
    """Read a sealed entry that waits.

    Errors: FormatError.
    """
    found: Waiting = decode(_WAITING, raw, "waiting entry")
    if found.length not in CLASSES:
        raise FormatError(f"a waiting entry lasts {found.length} seconds, which is no class of expiry")
    return found


def choose_batch(
    cadence: Cadence, waiting: Sequence[Waiting], origin: str, now: int, random: Random
) -> tuple[list[Waiting], list[Sealed]]:
    """Choose what goes in a batch: which of those that wait, in random order, and the entries, cover among them."""
    mixed = sorted(waiting, key=lambda _: random(8))
    chosen = mixed[: cadence.cover] if cadence.cover else mixed
    entries = [one.entry(origin, now) for one in chosen]
    entries += [make_cover(origin, now, random) for _ in range(cadence.cover - len(chosen))]
    return chosen, sorted(entries, key=lambda _: random(8))


def make_cover(origin: str, now: int, random: Random) -> Sealed:
    """Write an entry that stands for nothing, of a random class of expiry."""
    length = CLASSES[random(1)[0] % len(CLASSES)]  # 256 is no multiple of 3: a bias of 1 in 256 shows nothing
    return cover(origin, now - now % DAY + length, random)


def wait(entry: Sealed, length: int) -> Waiting:
    """Put a sealed entry aside."""
    return Waiting(length, entry.digest, entry.slots)
