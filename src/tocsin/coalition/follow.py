"""The shared state kept as logs grow: what a new statement changes is worked out, not all that came before.

A statement has no effect until a stamp covers it. A stamp gives effect to the statements that it covers and may decide
the next charter; only then is more than the new part looked at. The result is that of the whole fold.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from tocsin.coalition.chain import Decision, Judged, open_slot
from tocsin.coalition.charter import Charter, End, Member
from tocsin.coalition.fold import Item, Known, State, compose, explain, is_whole, state
from tocsin.coalition.reading import Logged, Prefix, Stamped
from tocsin.coalition.timing import Clock, StampCounter, cosigned_time
from tocsin.forms.errors import ConfigError
from tocsin.forms.statements import Form, Proposal, Vote


class Live(Protocol):
    """A log that is being read: a `LogReader`. Its lists only grow."""

    entries: list[Logged]
    stamps: list[Stamped]

    def prefix(self) -> Prefix:
        """Give what was read so far."""


class _Track:
    """One log: how far its statements have been taken in."""

    def __init__(self, origin: str, live: Live) -> None:
        self.origin = origin
        self.live = live
        self.counter = StampCounter(origin)
        self.votes: list[Logged] = []
        self.kept: dict[type[Form], list[Item]] = {}
        self.late = False
        self._whole: bool | None = None
        self._seen = self._covered = 0

    def see(self) -> None:
        """Put aside what votes and proposals have come, whether or not they have a time."""
        for entry in self.live.entries[self._seen :]:
            if isinstance(entry.form, Vote | Proposal):
                self.votes.append(entry)
        self._seen = len(self.live.entries)

    def cover(self, chain: Sequence[Charter], clock: Clock, end: int | None) -> list[Item]:
        """Give effect to the statements that new stamps cover, both before the log's end."""
        found: list[Item] = []
        for stamp in self.counter.advance(self.live.stamps, chain, clock):
            self.late |= stamp.late
            void = stamp.late or (end is not None and stamp.index >= end)
            while not void and self._covered < len(self.live.entries):
                entry = self.live.entries[self._covered]
                if entry.index >= stamp.size:
                    break
                self._covered += 1
                if end is None or entry.index < end:
                    item = Item(self.origin, entry.index, stamp.time, entry.form)
                    self.kept.setdefault(type(entry.form), []).append(item)
                    found.append(item)
        return found

    def cut(self, end: int) -> None:
        """Void what stands at or past the log's end, and what only a stamp there covers."""
        line = self.counter.timeline().line(end=end)
        self.kept = {
            form: [item for item in items if item.index < end and line.time(item.index) is not None]
            for form, items in self.kept.items()
        }

    def whole(self, end: End) -> bool | None:
        """Tell once and for all whether this is the log that was ended; None while it is not here up to there."""
        if self._whole is None:
            self._whole = is_whole(self.live.prefix(), end)
        return self._whole


class Follow:
    """Follows the logs of a coalition, one branch of each; `opened` gives a log's reader once a charter names it.

    Errors: those of `opened`.
    """

    def __init__(self, first: Charter, opened: Callable[[Member], Live], clock: Clock = cosigned_time) -> None:
        self._opened = opened
        self._clock = clock
        self._chain = [first]
        self._judged: Judged = {}
        self._ends: dict[str, End] = {}
        self._tracks: dict[str, _Track] = {}
        self._latest = -1
        self._open(first)

    @property
    def chain(self) -> tuple[Charter, ...]:
        """Give the chain as far as is known."""
        return tuple(self._chain)

    def advance(self, origin: str) -> list[Item]:
        """Take in what is new in a log; give the statements that now have effect, of all logs.

        Errors: ConfigError for a log that no charter names.
        """
        if origin not in self._tracks:
            raise ConfigError(f"no charter of the chain names the log {origin[:80]!r}")
        self._tracks[origin].see()
        found = self._cover(self._tracks[origin])
        while decision := self._decide():
            self._chain.append(decision.charter)
            found += self._succeed(decision.charter)
        return found

    def known(self) -> Known:
        """Give all that is known, as `learn` does."""
        logs = {origin: track.live.prefix() for origin, track in self._tracks.items()}
        times = {origin: track.counter.timeline() for origin, track in self._tracks.items()}
        return Known(
            self.chain, explain(self._chain, self._ballots(), times, self._judged), logs, times, {}, self._judged
        )

    def state(self, time: int) -> State:
        """Give the shared state at a time: quickly at one that no known stamp is later than, else by the whole fold.

        Where a charter had expired, votes have times of their own: then the whole fold is asked, too.
        """
        if time < self._latest or any(track.late for track in self._tracks.values()):
            return state(self.known(), time)
        kept: dict[type[Form], list[Item]] = {}
        for _, track in sorted(self._tracks.items()):
            for form, items in track.kept.items():
                kept.setdefault(form, []).extend(items)
        times = {origin: track.counter.timeline() for origin, track in self._tracks.items()}
        found = {origin: self._tracks[origin].whole(end) for origin, end in self._ends.items()}
        whole = {origin: told for origin, told in found.items() if told is not None}
        return compose(self.chain, self._ends, kept, times, time, whole)

    def _cover(self, track: _Track) -> list[Item]:
        end = self._ends.get(track.origin)
        found = track.cover(self._chain, self._clock, end.size if end else None)
        counted = track.counter.counted
        self._latest = max(self._latest, counted[-1].time if counted else -1)
        return found

    def _decide(self) -> Decision | None:
        """Look for the successor of the last charter, where anybody has voted for one."""
        head = self._chain[-1]
        votes = (entry.form for origin in head.members for entry in self._tracks[origin].votes)
        if not any(isinstance(vote, Vote) and vote.parent == head.hash for vote in votes):
            return None
        times = {origin: self._tracks[origin].counter.timeline() for origin in head.members}
        return open_slot(self._chain, self._ballots(), times, self._judged).decide()

    def _ballots(self) -> dict[str, Prefix]:
        return {origin: Prefix(origin, 0, tuple(track.votes), ()) for origin, track in self._tracks.items()}

    def _succeed(self, charter: Charter) -> list[Item]:
        """Go on under a new charter: logs that it ends, logs that it names, stamps that waited for it."""
        for end in charter.text.ends:
            self._ends[end.origin] = end
            self._tracks[end.origin].cut(end.size)
        self._open(charter)
        return [item for track in self._tracks.values() for item in self._cover(track)]

    def _open(self, charter: Charter) -> None:
        for origin, member in charter.members.items():
            if origin not in self._tracks:
                self._tracks[origin] = _Track(origin, self._opened(member))
                self._tracks[origin].see()
