"""Findings of alarms whose text stands in an event, as it was or edited, disguised or inside other text.

The sampled windows of all lines are looked up at once, which names few candidates; only those are looked at closely:
all windows of the line against all windows that the alarm shares, within a stretch of the text.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.forms import FINDINGS, FINGERPRINTS
from tocsin.screen.asked import asked_rows
from tocsin.screen.evidence import excerpt
from tocsin.text import (
    HOT,
    WINDOW_BYTES,
    Bank,
    Folded,
    GroupKey,
    Hashes,
    Part,
    Scanned,
    Segment,
    densest,
    scan_batch,
)

SEVERITY = 3
MOST_ALARMS = 16  # of one event that are told
SHORT, SHORT_BYTES = 40, 192  # an alarm of fewer windows or of a shorter text must be held more of: one phrase is much
LEAST_SHARE, LEAST_SHARE_SHORT = 0.25, 0.4
LEAST_MATCHED = 6

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class AlarmMatch:
    """Say that a line of a batch holds an alarm's text. Units: `start` and `end` are bytes of the folded line."""

    line: int
    alarm: str
    kind: str
    containment: float  # the share of the alarm's windows that the stretch holds
    start: int
    end: int


@dataclass(frozen=True)
class FingerprintDetector:
    """Let alarms speak of events; of each event and kind the alarm that it holds most of makes the finding."""

    bank: Bank
    keys: tuple[GroupKey, ...]
    standard_version: str
    keep_evidence: bool = True

    name: ClassVar[str] = "fingerprint"
    version: ClassVar[str] = "1"

    def find(self, batch: pa.RecordBatch, folded: Folded, scanned: Scanned | None = None) -> tuple[pa.Table, pa.Table]:
        """Judge a batch of TRAFFIC with its folded texts; return FINDINGS and FINGERPRINTS in the order of events."""
        asked = asked_rows(batch)
        told: dict[int, list[AlarmMatch]] = defaultdict(list)
        for match in self.matches(folded, scanned):
            row = folded.row(match.line)
            if asked[row]:
                told[row].append(match)
        rows = _placed(folded, [(row, match) for row in sorted(told) for match in _first(told[row])])
        return self._findings(batch, folded, rows), _table(batch, rows)

    def matches(self, folded: Folded, scanned: Scanned | None = None) -> Iterator[AlarmMatch]:
        """Yield what lines hold of which alarms, in no order."""
        windows = scanned or scan_batch(folded)
        for key in self._fitting:
            for part, pairs in _candidates(self.bank.parts, key.keyed(windows.hashes), windows.starts):
                yield from _matches(part.segment, pairs, densest(folded, key, part.segment, pairs))

    @cached_property
    def _fitting(self) -> tuple[GroupKey, ...]:
        return tuple(key for key in dict.fromkeys(self.keys) if key.mark in self.bank.marks)

    def _findings(self, batch: pa.RecordBatch, folded: Folded, rows: Sequence["_Told"]) -> pa.Table:
        best: dict[tuple[int, str], _Told] = {}
        for told in rows:
            best.setdefault((told[0], told[1].kind), told)
        places = pa.array([row for row, _ in best], pa.int64())
        about = batch.select(["event_id", "account", "session", "time"]).take(places).to_pylist()
        found = [one | self._said(folded, *told) for one, told in zip(about, best.values(), strict=True)]
        return pa.Table.from_pylist(found, schema=FINDINGS)

    def _said(self, folded: Folded, row: int, match: AlarmMatch, span: tuple[int, int]) -> dict[str, Any]:
        return {
            "detector": self.name,
            "detector_version": self.version,
            "rule": None,
            "kind": match.kind,
            "severity": SEVERITY,
            "score": round(min(0.95, 0.5 + 0.5 * match.containment), 4),
            "span_start": span[0],
            "span_end": span[1],
            "evidence": excerpt(folded.texts[row].as_py(), *span) if self.keep_evidence else None,
            "standard_version": self.standard_version,
        }


_Told = tuple[int, AlarmMatch, tuple[int, int]]


def _first(matches: Sequence[AlarmMatch]) -> list[AlarmMatch]:
    """Order an event's alarms, those held most of first; one that several lines hold counts once."""
    ordered = sorted(matches, key=lambda m: (-m.containment, m.alarm, m.line, m.start))
    once = {m.alarm: m for m in reversed(ordered)}
    return [m for m in ordered if once[m.alarm] is m][:MOST_ALARMS]


def _placed(folded: Folded, told: Sequence[tuple[int, AlarmMatch]]) -> list[_Told]:
    """Give each match of an event its span of the original."""
    asked = np.array([(match.line, *_characters(folded, match)) for _, match in told], dtype=np.int64).reshape(-1, 3)
    spans = folded.spans(asked).tolist()
    return [(row, match, (start, end)) for (row, match), (start, end) in zip(told, spans, strict=True)]


def _characters(folded: Folded, match: AlarmMatch) -> tuple[int, int]:
    raw = folded.buffer[folded.offsets[match.line] : folded.offsets[match.line + 1] - 1]
    start = len(raw[: match.start].decode(errors="ignore"))
    return start, max(len(raw[: match.end].decode(errors="ignore")), start + 1)


def _table(batch: pa.RecordBatch, rows: Sequence[_Told]) -> pa.Table:
    ids = batch["event_id"]
    found = [
        {
            "event_id": ids[row].as_py(),
            "alarm": m.alarm,
            "kind": m.kind,
            "containment": m.containment,
            "span_start": span[0],
            "span_end": span[1],
        }
        for row, m, span in rows
    ]
    return pa.Table.from_pylist(found, schema=FINGERPRINTS)


@dataclass(frozen=True)
class _Sampled:
    """Hold the keyed sampled windows of some lines: of line i `keyed[starts[i]:starts[i + 1]]`, distinct."""

    keyed: Hashes
    starts: Ints
    line: Ints  # of each window

    @classmethod
    def of(cls, lines: Ints, keyed: Hashes, starts: Ints) -> "_Sampled":
        """Gather those of these lines."""
        counts = starts[lines + 1] - starts[lines]
        own = np.concatenate([[0], np.cumsum(counts)])
        at = np.repeat(starts[lines] - own[:-1], counts) + np.arange(own[-1])
        return cls(keyed[at], own, np.repeat(np.arange(len(lines)), counts))


def _candidates(parts: Sequence[Part], keyed: Hashes, starts: Ints) -> list[tuple[Part, Ints]]:
    """Name, segment by segment, the pairs (line, alarm) that enough windows of the line vote for and second.

    A window votes for the first few of its alarms in order of id. However the alarms lie in segments, the candidates
    are the same: of several, the windows of the few lines in question vote once more, together.
    """
    named = [(part, part.segment.named(keyed, starts, HOT)) for part in parts]
    named = [(part, pairs[part.live[pairs[:, 1]]]) for part, pairs in named]
    if len(parts) < 2:
        return named
    lines = np.unique(np.concatenate([pairs[:, 0] for _, pairs in named]))
    sampled = _Sampled.of(lines, keyed, starts)
    return [(part, np.stack([lines[pairs[:, 0]], pairs[:, 1]], axis=1)) for part, pairs in _together(parts, sampled)]


def _together(parts: Sequence[Part], sampled: _Sampled) -> Iterator[tuple[Part, Ints]]:
    """Let the windows of some lines vote for the alarms of all segments."""
    ballots = _ballots(parts, sampled.keyed)
    crowded = np.bincount(ballots[0], minlength=len(sampled.keyed)) > HOT
    kept = np.concatenate([ballots[:, ~crowded[ballots[0]]], _trimmed(parts, ballots[:, crowded[ballots[0]]])], axis=1)
    for number, part in enumerate(parts):
        windows, _, alarms = kept[:, kept[1] == number]
        pairs, votes = np.unique(sampled.line[windows] << 32 | alarms, return_counts=True)
        alarms = pairs & 0xFFFFFFFF
        named = np.stack([pairs >> 32, alarms], axis=1)[votes >= part.segment.need[alarms]]
        yield part, named[part.segment.seconded(named, sampled.keyed, sampled.starts)]


def _ballots(parts: Sequence[Part], sampled: Hashes) -> Ints:
    """Give the votes of windows in rows: window, segment, alarm."""
    ballots = [np.empty((3, 0), dtype=np.int64)]
    for number, part in enumerate(parts):
        lists = part.segment.lists_of(sampled)
        hit = np.flatnonzero(lists >= 0)
        which, alarms = part.segment.postings_of(lists[hit], HOT)
        live = part.live[alarms]
        ballots.append(np.stack([hit[which], np.full(len(which), number), alarms])[:, live])
    return np.concatenate(ballots, axis=1)


def _trimmed(parts: Sequence[Part], ballots: Ints) -> Ints:
    """Keep of each window the votes for the alarms that come first."""
    named: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for window, number, alarm in ballots.T.tolist():
        named[window].append((parts[number].segment.name(alarm)[0], number, alarm))
    kept = [(window, *place) for window, votes in named.items() for _, *place in sorted(votes)[:HOT]]
    return np.array(kept, dtype=np.int64).reshape(-1, 3).T


def _matches(segment: Segment, pairs: Ints, stretches: Ints) -> Iterator[AlarmMatch]:
    """Say which lines hold an alarm's text, since the stretch holds enough of its windows."""
    alarms, held = pairs[:, 1], stretches[:, 0]
    wanted = segment.begin[alarms + 1].astype(np.int64) - segment.begin[alarms]
    short = (wanted < SHORT) | (segment.stretch[alarms] <= SHORT_BYTES)
    share = held / wanted
    enough = (share >= np.where(short, LEAST_SHARE_SHORT, LEAST_SHARE)) & (held >= np.minimum(LEAST_MATCHED, wanted))
    found = zip(pairs[enough].tolist(), stretches[enough].tolist(), share[enough].tolist(), strict=True)
    for (line, alarm), (_, first, last), part in found:
        yield AlarmMatch(line, *segment.name(alarm), round(part, 4), first, last + WINDOW_BYTES)
