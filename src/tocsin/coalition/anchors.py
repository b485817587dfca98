"""Anchors (rule 20): what members have entered of each other's logs. Gossip, receipt and proof of knowledge in one.

An anchor shows what its author knew. That there is none shows nothing: no rule of state reads its absence.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tocsin.coalition.charter import Charter
from tocsin.coalition.fold import Known
from tocsin.coalition.opening import Opener, Shut
from tocsin.coalition.reading import Prefix
from tocsin.coalition.timing import Clock
from tocsin.coalition.trees import hashes_of, roots_at
from tocsin.forms.errors import TocsinError
from tocsin.forms.statements import Anchor, Form, Sealed
from tocsin.ledger import (
    Checkpoint,
    Evidence,
    Note,
    compare,
    parse_checkpoint,
    parse_key,
    parse_note,
    verify_known,
)

_HOUR = 3600


@dataclass(frozen=True)
class Saw:
    """At `index` of its log, the author of `origin` showed that it had the first `size` entries of `other`.

    `agrees`: whether that is the tree that we hold; None where we hold less. `missing`: entries for it without bodies.
    """

    origin: str
    index: int
    other: str
    size: int
    missing: frozenset[int]
    note: Note
    agrees: bool | None

    def covers(self, index: int, *, bare: bool = False) -> bool:
        """Tell whether an entry of the other log was there, and unless `bare` its body, if it was for this author."""
        return bool(self.agrees) and index < self.size and (bare or index not in self.missing)


def read_anchors(known: Known) -> tuple[Saw, ...]:
    """Read all anchors of checkpoints that the other log has signed; each tree is compared with the one held."""
    found = [one for origin in sorted(known.logs) for one in _of_log(known.logs[origin], known.chain)]
    wanted: dict[str, set[int]] = {}
    for _, _, tree, _ in found:
        wanted.setdefault(tree.origin, set()).add(tree.size)
    roots = {other: roots_at(known.logs[other], sizes) for other, sizes in wanted.items() if other in known.logs}
    saws = []
    for at, form, tree, note in found:
        root = roots.get(tree.origin, {}).get(tree.size)
        agrees = None if root is None else root == tree.root
        saws.append(Saw(form.origin, at, tree.origin, tree.size, frozenset(form.missing), note, agrees))
    return tuple(saws)


def _of_log(log: Prefix, chain: Sequence[Charter]) -> Iterator[tuple[int, Anchor, Checkpoint, Note]]:
    members = {origin: member for charter in chain for origin, member in charter.members.items()}
    for entry in log.entries:
        if isinstance(entry.form, Anchor):
            try:
                note = parse_note(entry.form.note.encode())
                tree = parse_checkpoint(note.text)
                other = members.get(tree.origin)
                signed = other and other.origin != log.origin and verify_known(note, [parse_key(other.log)])
            except TocsinError:
                continue
            if signed and not tree.extension:
                yield entry.index, entry.form, tree, note


class Knowledge:
    """What a member had shown to know before an entry of its logs, which it writes one after the other."""

    def __init__(self, saws: Sequence[Saw], authors: Mapping[str, tuple[str, int]]) -> None:
        self._authors = authors
        self._saws: dict[tuple[str, str], list[Saw]] = {}
        self._reach: dict[tuple[str, str], list[int]] = {}
        for saw in sorted(saws, key=lambda one: (authors[one.origin][1], one.index)):
            at = authors[saw.origin][0], saw.other
            self._saws.setdefault(at, []).append(saw)
            reach = self._reach.setdefault(at, [])
            reach.append(max(saw.size, reach[-1] if reach else 0))

    def covering(self, origin: str, before: int, other: str, index: int, *, bare: bool = False) -> Saw | None:
        """Find the first anchor of a log's author, before an entry of that log, that covers an entry of another."""
        author, rank = self._authors[origin]
        start = bisect_right(self._reach.get((author, other), []), index)
        for saw in self._saws.get((author, other), [])[start:]:
            if (self._authors[saw.origin][1], saw.index) >= (rank, before):
                return None
            if saw.covers(index, bare=bare):
                return saw
        return None


def find_missing(log: Prefix, opener: Opener) -> list[int]:
    """List the entries of another's log that are for one, and whose bodies do not open: what an anchor names."""
    found = (opener.open(e.form, e.index, None) for e in log.entries if isinstance(e.form, Sealed))
    return [one.index for one in found if isinstance(one, Shut) and one.mine]


def is_due(own: Prefix, chain: Sequence[Charter], clock: Clock, origin: str, now: int) -> bool:
    """Tell whether an hour has passed since a log's last anchor of another (rule 20); one without a stamp is new.

    A stamp under a charter that is not in `chain` is taken to be an old one.
    """
    last = next((e.index for e in reversed(own.entries) if _anchored(e.form) == origin), None)
    if last is None:
        return True
    charters = {charter.hash: charter for charter in chain}
    covering = [stamp for stamp in own.stamps if stamp.size > last]
    times = [clock(stamp, charters[stamp.charter]) for stamp in covering if stamp.charter in charters]
    known = [time for time in times if time is not None]
    return bool(covering) and (not known or now - min(known) >= _HOUR)


def is_worth(own: Prefix, other: Prefix, missing: Sequence[int]) -> bool:
    """Tell whether a new anchor of a log would say something: more than stamps and anchors since the last one, or what
    is missing has changed. Else two logs would anchor each other for ever.
    """
    last = next((e.form for e in reversed(own.entries) if _anchored(e.form) == other.origin), None)
    size, before = (int(last.note.split("\n")[1]), last.missing) if isinstance(last, Anchor) else (0, [])
    fresh = any(e.index >= size and not isinstance(e.form, Anchor) for e in other.entries)
    return fresh or list(before) != list(missing)


def _anchored(form: Form) -> str | None:
    """Name the log whose checkpoint an anchor holds."""
    lines = form.note.split("\n") if isinstance(form, Anchor) else []
    return lines[0] if len(lines) > 1 and lines[1].isdigit() else None


def find_conflicts(known: Known, saws: Sequence[Saw], served: Mapping[str, Note]) -> list[Evidence]:
    """Find forks by gossip: an anchored checkpoint whose tree is not the one of a larger one that is held."""
    found = []
    for saw in saws:
        if saw.agrees is False:
            log = known.logs[saw.other]
            notes = [stamp.note for stamp in log.stamps] + ([served[saw.other]] if saw.other in served else [])
            larger = (note for note in notes if parse_checkpoint(note.text).size >= saw.size)
            evidence = next(filter(None, (compare(saw.note, note, hashes_of(log)) for note in larger)), None)
            found += [evidence] if evidence else []
    return found
