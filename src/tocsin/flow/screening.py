"""One screening run: inputs to findings, activity, cases, rejects, summary and report in a folder."""

import gc
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tocsin import __version__
from tocsin.cases import Allowance, build_cases
from tocsin.flow.fingerprinting import AlarmBank
from tocsin.flow.gathering import Gathered
from tocsin.flow.judging import Judging, load_model
from tocsin.flow.outputs import RejectFile, TableFile, publish, write_json, writing_beside
from tocsin.flow.parts import PartStore
from tocsin.flow.presenting import Finished, present
from tocsin.flow.sessions import SessionRuns
from tocsin.flow.spill import SpilledTables, SpillFile
from tocsin.flow.workers import Recipe, screen_batches
from tocsin.forms import CASES, FINGERPRINTS, SCORES, SESSION_SCORES, FormatError, TocsinError, TransportError
from tocsin.screen import Screened, Tally, asked_rows
from tocsin.screen.classifier import SessionsSoFar, score_in_sessions, score_sessions
from tocsin.standard import Standard, load_standard
from tocsin.traffic import Pulled, SeenIds, find_sources, hash_identities, pull

PARTIAL = ".tocsin-partial"
SCORES_FILE = "scores.parquet"
SESSIONS_FILE = "sessions.parquet"
FINGERPRINTS_FILE = "fingerprints.parquet"

Clock = Callable[[], float]  # seconds, monotonic
Tick = Callable[[int, int], None]  # events and bytes of text screened so far


@dataclass(frozen=True, slots=True)
class Settings:
    """Say what one run screens and how."""

    inputs: tuple[str, ...]
    out: Path
    format: str | None = None
    workers: int = 1
    standard: Path | None = None
    scores: bool = False
    keep_evidence: bool = True
    id_key: bytes | None = None
    max_rejects: float = 0.05
    resume: bool = False
    allowances: tuple[Allowance, ...] = ()
    today: date = date.max
    cache: Path | None = None
    alarms: AlarmBank | None = None
    judging: Judging = Judging()  # noqa: RUF009  # frozen


@dataclass
class Outcome:
    """Hold what a run amounted to; `failures` are too many rejects, then sources not read to their end."""

    summary: dict[str, object]
    cases: pa.Table
    failures: list[TocsinError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """The first failure's code, else 0."""
        return self.failures[0].exit_code if self.failures else 0


def run_screen(settings: Settings, clock: Clock, tick: Tick = lambda rows, size: None) -> Outcome:
    """Screen the inputs into the folder `out`; every file there appears whole or not at all.

    Errors: ConfigError for the standard or the options; TransportError where the folder cannot be written. Failures
    of inputs do not raise: what was read is kept, and they are told in the outcome.
    """
    standard = load_standard(settings.standard, cache=settings.cache)
    try:
        return _Run(settings, standard, clock, tick).go()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise TransportError(
            f"cannot write to {settings.out.name!r}: {reason}", hint="free space or check rights, then --resume"
        ) from error


class _Run:
    def __init__(self, settings: Settings, standard: Standard, clock: Clock, tick: Tick) -> None:
        self.settings, self.standard, self.clock, self.tick = settings, standard, clock, tick
        self.partial = settings.out / PARTIAL
        self.staged, self.seen = self.partial / "out", self.partial / "seen"
        self.sessions, self.so_far = SessionRuns(self.partial / "sessions"), SessionsSoFar()
        self.judging = replace(settings.judging, sessions=settings.scores)
        self.scored = settings.scores or self.judging.stage != "first"  # else no answer is judged
        alarms = settings.alarms.name if settings.alarms else "no alarms"
        self.made_with = f"{__version__} {standard.digest} {settings.keep_evidence} {alarms} {self.judging.name}"
        self.failures: list[TocsinError] = []
        self.rows = self.size = 0
        self.judged: Counter[str] = Counter()
        self.guard_cost = 0.0

    def go(self) -> Outcome:
        self._prepare()
        with RejectFile(self.staged / "rejects.jsonl") as rejects:
            parts = self._screened(self._batches(rejects))
            started = self.clock()
            gathered = self._gather(parts)
        with writing_beside() as write:
            run = self._judged(gathered, rejects, write)
            seconds = self.clock() - started
            self._check_rejects(rejects)
            summary = self._summary(run, rejects, seconds)
            notes = present(self.staged, run, self.standard)
        write_json(self.staged / "summary.json", summary)
        self._publish()
        if self.judged["unanswered"]:
            notes.append(f"the guard did not answer on {self.judged['unanswered']} events; the second stage stands")
        return Outcome(summary, run.cases, self.failures, notes)

    def _prepare(self) -> None:
        shutil.rmtree(self.staged if self.settings.resume else self.partial, ignore_errors=True)
        self.staged.mkdir(parents=True)
        self.seen.mkdir(exist_ok=True)

    def _publish(self) -> None:
        if not self.settings.scores:  # an earlier run's would speak of other events
            for name in (SCORES_FILE, SESSIONS_FILE):
                (self.settings.out / name).unlink(missing_ok=True)
        if not self.settings.alarms:
            (self.settings.out / FINGERPRINTS_FILE).unlink(missing_ok=True)
        publish(self.staged, self.settings.out)
        shutil.rmtree(self.partial, ignore_errors=True)

    def _gather(self, parts: Iterator[Screened]) -> Gathered:
        gathered = Gathered(Tally(SpillFile(self.partial)), SpilledTables(self.partial))
        model = load_model(self.settings.judging.model)
        wanted = self.settings.scores, self.settings.alarms is not None
        with (
            TableFile(self.staged / SCORES_FILE, SCORES, wanted[0]) as scores,
            TableFile(self.staged / FINGERPRINTS_FILE, FINGERPRINTS, wanted[1]) as fingerprints,
        ):
            for screened in parts:
                gathered.add(screened)
                self.sessions.add(screened.sessions)
                scores.add(score_in_sessions(screened.scores, screened.turns, self.so_far, model))
                self._count(screened.scores)
                fingerprints.add(screened.fingerprints)
                self.tick(self.rows, self.size)
        return gathered

    def _count(self, scores: pa.Table) -> None:
        """Count the events by the stage that had the last word."""
        for found in pc.value_counts(scores["stage"].combine_chunks()).to_pylist():
            self.judged[found["values"]] += found["counts"]
        self.guard_cost += pc.sum(scores["guard_cost"]).as_py() or 0.0

    def _screened(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Screened]:
        s = self.settings
        recipe = Recipe(s.standard, s.cache, s.keep_evidence, s.alarms, self.judging)
        detectors = recipe.detectors(self.standard)
        gc.freeze()  # they live as long as the run: a collector that walks them costs a twentieth of it
        parts = PartStore(self.partial / "parts", self.made_with)
        workers = 1 if self.judging.guard else s.workers  # one rate and one purse
        return screen_batches(batches, parts, detectors, workers, scores=self.scored)

    def _batches(self, rejects: RejectFile) -> Iterator[pa.RecordBatch]:
        with SeenIds(self.seen) as seen:
            for pulled in pull(self.settings.inputs, seen=seen, format=self.settings.format):
                rejects.add(pulled.rejects)
                if pulled.failure:
                    self.failures.append(pulled.failure)
                if pulled.traffic.num_rows:
                    yield self._entered(pulled)

    def _entered(self, pulled: Pulled) -> pa.RecordBatch:
        self.rows += pulled.traffic.num_rows
        self.size += pc.sum(pc.binary_length(pulled.traffic["text"])).as_py()
        if not self.scored:
            self.judged["first"] += int(asked_rows(pulled.traffic).sum())
        return hash_identities(pulled.traffic, self.settings.id_key) if self.settings.id_key else pulled.traffic

    def _judged(self, gathered: Gathered, rejects: RejectFile, write: Callable[[Path, pa.Table], object]) -> Finished:
        s = self.settings
        findings, activity = gathered.judge(self.standard.version)
        cases = build_cases(findings, activity, self.standard, allowances=s.allowances, today=s.today).cast(CASES)
        for name, table in (("findings", findings), ("activity", activity), ("cases", cases)):
            write(self.staged / f"{name}.parquet", table)
        if s.scores:
            self._write_sessions()
        sources = sum(source.problem is None for source in find_sources(s.inputs))
        return Finished(findings, activity, cases, rejects.reasons, self.rows, sources)

    def _write_sessions(self) -> None:
        model = load_model(self.settings.judging.model)
        with TableFile(self.staged / SESSIONS_FILE, SESSION_SCORES) as file:
            for merged in self.sessions.merged():
                file.add(score_sessions(merged, model))

    def _check_rejects(self, rejects: RejectFile) -> None:
        share = rejects.rows / max(1, rejects.rows + self.rows)
        if share > self.settings.max_rejects:
            message = (
                f"{rejects.rows} of {rejects.rows + self.rows} rows rejected, limit {self.settings.max_rejects:.1%}"
            )
            self.failures.insert(0, FormatError(message, hint="see rejects.jsonl, or raise --max-rejects"))

    def _summary(self, run: Finished, rejects: RejectFile, seconds: float) -> dict[str, object]:
        kinds = pc.value_counts(run.findings["kind"].combine_chunks()).to_pylist()
        return {
            "sources": run.sources,
            "rows": self.rows,
            "rejected": rejects.lines,
            "findings": len(run.findings),
            "by_kind": {k["values"]: k["counts"] for k in sorted(kinds, key=lambda k: str(k["values"]))},
            "cases": len(run.cases),
            "campaigns": pc.count_distinct(run.cases["campaign_id"]).as_py(),
            "seconds": round(seconds, 3),
            "rows_per_second": round(self.rows / seconds) if seconds else 0,
            "mb_per_second": round(self.size / 1e6 / seconds, 2) if seconds else 0.0,
            "judged": dict(sorted((+self.judged).items())),
            "guard_cost": round(self.guard_cost, 6),
            "standard_version": self.standard.version,
        }
