"""What `tocsin verify coalition` finds wrong, and the files that show it to anybody."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.cli.holding import Holding
from tocsin.cli.rim import say
from tocsin.forms.errors import TocsinError, TransportError
from tocsin.forms.statements import name_of

if TYPE_CHECKING:
    from tocsin.coalition import Exhibit, Known, Proven


@dataclass(frozen=True)
class Wrong:
    """Something wrong, in words, and what makes the file that shows it."""

    name: str
    words: str
    make: Callable[[], bytes | None]


def decisions(known: "Known") -> list[dict[str, Any]]:
    """Tell for every decision the votes, and for each of them the stamp and the mirrors that give it its time."""
    from tocsin.ledger import cosigned_by

    rows = []
    for decision in known.decisions:
        for ballot in decision.ballots:
            counted = next(
                s for s in known.times[ballot.origin].stamps if s.size > ballot.index and s.time == ballot.time
            )
            stamp = next(s for s in known.logs[ballot.origin].stamps if s.index == counted.index)
            mirrors = cosigned_by(stamp.note, known.chain[counted.version].policy)
            rows.append(
                {
                    "version": decision.charter.text.version,
                    "charter": decision.charter.hash,
                    "round": decision.round,
                    "voter": ballot.origin,
                    "vote": ballot.index,
                    "time": ballot.time,
                    "stamp": counted.index,
                    "cosigned": " ".join(sorted(mirrors)),
                }
            )
    return rows


def find_misconduct(
    held: Holding, known: "Known", time: int, keys: Sequence[Path], folders: Sequence[Path]
) -> Iterator[Wrong]:
    """Find all that is wrong; with box keys also what only their member can open."""
    yield from _votes(held, known, time)
    yield from _forks(held, known)
    if keys:
        yield from _faults(held, known, time, keys, folders)


def _votes(held: Holding, known: "Known", time: int) -> Iterator[Wrong]:
    from tocsin.coalition import exhibit_votes, state

    for origin, one, two in state(known, time).misconduct:

        def make(origin: str = origin, one: int = one, two: int = two) -> bytes:
            return exhibit_votes(known, held.raw, origin, one, two).encode()

        yield Wrong(f"votes-{_short(origin)}-{one}-{two}.exhibit", f"{origin} votes {one} and {two}", make)


def _forks(held: Holding, known: "Known") -> Iterator[Wrong]:
    from tocsin.coalition import find_conflicts, fork_evidence, read_anchors
    from tocsin.ledger import parse_checkpoint

    members = {origin: member for charter in known.chain for origin, member in charter.members.items()}
    for origin, at in known.forked.items():

        def make(origin: str = origin) -> bytes | None:
            found = fork_evidence(held.branches(members[origin]))
            return found.encode() if found else None

        yield Wrong(f"fork-{_short(origin)}-{at}.evidence", f"{origin} branches at {at}", make)
    for found in find_conflicts(known, read_anchors(known), held.served(known)):
        tree = parse_checkpoint(found.first.text)
        words = f"{tree.origin} showed another tree of {tree.size} entries to a member that anchored it"
        yield Wrong(f"fork-{_short(tree.origin)}-{tree.size}-anchored.evidence", words, found.encode)


def _faults(held: Holding, known: "Known", time: int, keys: Sequence[Path], folders: Sequence[Path]) -> Iterator[Wrong]:
    from tocsin.cli.view import bodies_in, see
    from tocsin.coalition import exhibit_ending

    for fault in see(held, known, time, keys, folders).faults:

        def make(fault: Any = fault) -> bytes | None:
            if fault.anchor is None:
                return None
            return exhibit_ending(known, held.raw, fault, list(bodies_in(folders))).encode()

        knew = "its own ending" if fault.anchor is None else f"the ending that it anchored in entry {fault.anchor}"
        words = f"{fault.alarm.origin} sent alarm {fault.alarm.index} after {knew}"
        yield Wrong(f"ending-{_short(fault.alarm.origin)}-{fault.alarm.index}.exhibit", words, make)


def put_evidence(folder: Path, wrong: Sequence[Wrong]) -> None:
    """Write a file for everything wrong that can be shown alone; say where it cannot.

    Errors: TransportError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for one in wrong:
            try:
                raw = one.make()
            except TocsinError as error:
                say(f"{one.words}: {error}")
                continue
            if raw is None:
                say(f"{one.words}: only the logs themselves show it")
            else:
                (folder / one.name).write_bytes(raw)
                say(f"evidence in {folder / one.name}")
    except OSError as error:
        raise TransportError(f"{folder.name!r} cannot be written: {error.strerror}", hint="check the folder") from error


def describe_exhibit(exhibit: "Exhibit", pages: "Sequence[Proven]") -> list[dict[str, Any]]:
    """Tell what an exhibit proves, an entry a row."""
    from tocsin.forms.statements import Vote

    rows = []
    for page in pages:
        form = page.form
        says = name_of(form)
        if isinstance(form, Vote):
            says = f"vote in round {form.round} for {form.charter}"
        if page.shown:
            says = "; ".join(f"{field.name}: {field.value}" for field in page.shown)
        rows.append({"log": page.origin, "entry": page.index, "time": page.time, "says": says})
    say({"votes": "two votes that contradict each other", "ending": "an alarm after an ending that its author knew",
         "fields": "fields of a sealed body"}[exhibit.kind])  # fmt: skip
    return rows


def _short(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()[:12]
