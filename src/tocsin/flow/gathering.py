"""What the batches of a run gave, gathered in memory that grows with accounts and findings, not with events."""

from dataclasses import dataclass, field

import pyarrow as pa

from tocsin.forms import FINDINGS, SKETCHES
from tocsin.screen import Screened, judge_behaviour, merge_activity, thin_sketches
from tocsin.screen.classifier import merge_sessions

_MOST_ACTIVITY = 1_000_000
_MOST_SKETCHES = 600_000
_MOST_SESSIONS = 600_000


@dataclass
class Gathered:
    """Gather parts in the order of their batches, merging and thinning as they come."""

    sketched: int = 0  # sketches seen, those thinned out since included
    _findings: list[pa.Table] = field(default_factory=list)
    _activity: list[pa.Table] = field(default_factory=list)
    _sketches: list[pa.Table] = field(default_factory=list)
    _sessions: list[pa.Table] = field(default_factory=list)

    def add(self, screened: Screened) -> None:
        """Take in one part."""
        self._findings.append(screened.findings)
        self._activity.append(screened.activity)
        self.sketched += len(screened.sketches)
        # A share that shrinks as the run grows keeps a subset each time, so that thinning early changes nothing.
        self._sketches.append(thin_sketches(screened.sketches, self.sketched))
        if sum(map(len, self._activity)) > _MOST_ACTIVITY:
            self._activity = [merge_activity(self._activity)]
        if sum(map(len, self._sketches)) > _MOST_SKETCHES:
            self._sketches = [self._thinned()]

        self._sessions.append(screened.sessions)
        if sum(map(len, self._sessions)) > _MOST_SESSIONS:
            self._sessions = [self.sessions()]

    def sessions(self) -> pa.Table:
        """Merge the SESSIONS of the run."""
        return merge_sessions(self._sessions)

    def judge(self, standard_version: str) -> tuple[pa.Table, pa.Table]:
        """Judge the behaviour of the whole run; return all FINDINGS, those of rules first, and the merged ACTIVITY."""
        rules = pa.concat_tables([FINDINGS.empty_table(), *self._findings])
        activity = merge_activity(self._activity)
        behaviour, activity = judge_behaviour(activity, self._thinned(), rules, standard_version)
        return pa.concat_tables([rules, behaviour]), activity

    def _thinned(self) -> pa.Table:
        return thin_sketches(pa.concat_tables([SKETCHES.empty_table(), *self._sketches]), self.sketched)
