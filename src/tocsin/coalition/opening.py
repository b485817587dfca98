"""Which sealed entries a member can open, and which are for it but lack their body (rule 19).

An entry opens for a member that wrote it, or that both its audience and one of its slots name. All else stays sealed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tocsin.coalition.bodies import Said, hear_said
from tocsin.coalition.charter import Charter, Member
from tocsin.coalition.fold import Known
from tocsin.coalition.sealing import Body, check_body, is_for, pair_key
from tocsin.forms.bodies import BodyForm
from tocsin.forms.errors import ConfigError, TocsinError
from tocsin.forms.statements import Sealed

SEALED = "sealed"
MISSING = "its body is missing"


@dataclass(frozen=True)
class Opened:
    """What a sealed entry says: of whom, where, since when (None: not yet proved), to whom.

    `rank` numbers the author's logs, of which it writes one after the other.
    """

    author: str
    origin: str
    rank: int
    index: int
    time: int | None
    digest: str
    audience: tuple[str, ...]
    form: BodyForm

    @property
    def place(self) -> tuple[int, int]:
        """Order the statements of one author."""
        return self.rank, self.index


@dataclass(frozen=True)
class Shut:
    """A sealed entry that does not open, and why; `mine`: it is for this member."""

    origin: str
    index: int
    time: int | None
    mine: bool
    why: str


@dataclass(frozen=True)
class Viewer:
    """A member, by its box keys: the first one that it has now, others that it had."""

    name: str
    keys: tuple[X25519PrivateKey, ...]


def find_viewer(chain: Sequence[Charter], keys: Sequence[X25519PrivateKey]) -> Viewer:
    """Find whose a box key is.

    Errors: ConfigError where no charter names it.
    """
    public = keys[0].public_key().public_bytes_raw().hex()
    for charter in reversed(chain):
        for member in charter.members.values():
            if member.box == public:
                return Viewer(member.name, tuple(keys))
    raise ConfigError("no charter of the chain names the box key", hint="give the key of a member, as --view")


def authors_of(chain: Sequence[Charter]) -> dict[str, tuple[str, int]]:
    """Tell of each log its author and how many logs that had before; a log has one author for life."""
    found: dict[str, tuple[str, int]] = {}
    counts: dict[str, int] = {}
    for charter in chain:
        for origin, member in charter.members.items():
            if origin not in found:
                found[origin] = member.name, counts.get(member.name, 0)
                counts[member.name] = counts.get(member.name, 0) + 1
    return found


class Opener:
    """Opens the entries of one coalition's logs for one member."""

    def __init__(self, chain: Sequence[Charter], bodies: Iterable[Body], viewer: Viewer) -> None:
        self._coalition = chain[0].hash
        self._authors = authors_of(chain)
        self._bodies = {body.digest: body for body in bodies}
        self._viewer = viewer
        self._boxes: dict[str, dict[str, None]] = {}
        for charter in chain:
            for origin, member in charter.members.items():
                self._boxes.setdefault(origin, {})[member.box] = None
        self._pairs: dict[str, list[bytes]] = {}

    def open(self, entry: Sealed, index: int, time: int | None) -> Opened | Shut:
        """Open an entry of a log that the chain names."""
        author, rank = self._authors[entry.origin]
        mine = author != self._viewer.name and self.is_mine(entry)
        body = self._bodies.get(entry.digest)
        if body is None or not (mine or author == self._viewer.name):
            return Shut(entry.origin, index, time, mine, MISSING if mine else SEALED)
        try:
            said = self._read(body, entry, author)
        except TocsinError as error:
            return Shut(entry.origin, index, time, mine, f"its body is refused: {error}")
        if mine and self._viewer.name not in said.audience:
            return Shut(entry.origin, index, time, mine, "its body is refused: the audience is another")
        return Opened(author, entry.origin, rank, index, time, entry.digest, said.audience, said.form)

    def is_mine(self, entry: Sealed) -> bool:
        """Tell whether a slot of an entry is for the viewer, by any of its keys, logs, and the author's keys."""
        if entry.origin not in self._pairs:
            self._pairs[entry.origin] = list(self._pair_keys(entry.origin))
        return any(is_for(entry, key) for key in self._pairs[entry.origin])

    def _pair_keys(self, author: str) -> Iterator[bytes]:
        own = [origin for origin, (name, _) in self._authors.items() if name == self._viewer.name]
        for key in self._viewer.keys:
            for box in self._boxes[author]:
                for origin in own:
                    yield pair_key(key, box, self._coalition, author, origin)

    def _read(self, body: Body, entry: Sealed, author: str) -> Said:
        check_body(body, entry, self._coalition, author)
        return hear_said(body)


def open_all(
    known: Known, chain: Sequence[Charter], ends: Mapping[str, int], time: int, opener: Opener
) -> tuple[list[Opened], list[Shut]]:
    """Open what can be opened before the logs' ends; what is known to have a time after `time` is not there yet."""
    opened: dict[str, Opened] = {}
    shut: list[Shut] = []
    for origin in sorted(authors_of(chain).keys() & known.logs.keys()):
        line = known.times[origin].line(end=ends.get(origin))
        for entry in known.logs[origin].entries:
            at = line.time(entry.index)
            if entry.index >= ends.get(origin, entry.index + 1) or (at is not None and at > time):
                break
            if isinstance(entry.form, Sealed):
                found = opener.open(entry.form, entry.index, at)
                if isinstance(found, Opened):
                    opened.setdefault(found.digest, found)  # a second entry for the same body counts for nothing
                else:
                    shut.append(found)
    return list(opened.values()), shut


def member_named(charter: Charter, name: str) -> Member:
    """Find a member of a charter by its name.

    Errors: ConfigError.
    """
    for member in charter.members.values():
        if member.name == name:
            return member
    raise ConfigError(f"the charter names no member {name[:40]!r}", hint="see `tocsin charter show`")


def member_of_log(charter: Charter, origin: str) -> Member:
    """Find the member of a charter whose log it is.

    Errors: ConfigError.
    """
    found = charter.members.get(origin)
    if found is None:
        raise ConfigError(f"the charter names no log {origin[:80]!r}", hint="give a charter that does, as --charter")
    return found
