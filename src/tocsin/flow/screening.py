"""One screening run: inputs to findings, activity, cases, rejects, summary and report in a folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tocsin import __version__
from tocsin.cases import Allowance, build_cases
from tocsin.flow.outputs import RejectFile, TableFile, publish, write_json, write_table
from tocsin.flow.parts import PartStore, encode_batch
from tocsin.flow.presenting import Finished, present
from tocsin.flow.workers import Recipe, screen_here, screen_in_workers
from tocsin.forms import CASES, FINDINGS, SCORES, SKETCHES, FormatError, TocsinError, TransportError
from tocsin.screen import Screened, judge_behaviour, merge_activity, rule_detector, thin_sketches
from tocsin.standard import Standard, compile_pack, load_standard
from tocsin.traffic import Pulled, SeenIds, hash_identities, pull

PARTIAL = ".tocsin-partial"
_COMPACT_ROWS = 1_000_000

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


@dataclass
class Outcome:
    """Hold what a run amounted to; `failures` are sources that could not be read to their end."""

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
    standard = load_standard(settings.standard)
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
        self.staged = self.partial / "out"
        made_with = f"{__version__} {standard.digest} {settings.keep_evidence}"
        self.parts = PartStore(self.partial / "parts", made_with)
        self.failures: list[TocsinError] = []
        self.rows = self.size = 0
        self.activity: list[pa.Table] = []

    def go(self) -> Outcome:
        self._prepare()
        started = self.clock()
        with RejectFile(self.staged / "rejects.jsonl") as rejects:
            findings = self._screen(rejects)
        activity, whole_findings = self._judge(findings)
        cases = build_cases(
            whole_findings, activity, self.standard, allowances=self.settings.allowances, today=self.settings.today
        )
        write_table(self.staged / "activity.parquet", activity)
        write_table(self.staged / "cases.parquet", cases.cast(CASES))
        seconds = self.clock() - started
        self._check_rejects(rejects)
        summary = self._summary(whole_findings, cases, rejects, seconds)
        sources = len(self.settings.inputs)
        finished = Finished(whole_findings, activity, cases, rejects.reasons, self.rows, sources)
        notes = present(self.staged, finished, self.standard)
        write_json(self.staged / "summary.json", summary)
        publish(self.staged, self.settings.out)
        self._clean()
        return Outcome(summary, cases, self.failures, notes)

    def _prepare(self) -> None:
        if not self.settings.resume:
            self._clean()
        self.staged.mkdir(parents=True, exist_ok=True)

    def _clean(self) -> None:
        self.parts.clear()
        for path in sorted(self.partial.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if self.partial.is_dir():
            self.partial.rmdir()

    def _screen(self, rejects: RejectFile) -> TableFile:
        findings = TableFile(self.staged / "findings.parquet", FINDINGS)
        scores = TableFile(self.staged / "scores.parquet", SCORES) if self.settings.scores else None
        for screened in self._screened(self._batches(rejects)):
            findings.add(screened.findings)
            self._count(screened)
            if scores:
                scores.add(screened.scores)
            self.tick(self.rows, self.size)
        if scores:
            scores.close()
        return findings

    def _screened(self, batches: Iterator[bytes]) -> Iterator[Screened]:
        s = self.settings
        if s.workers > 1:
            return screen_in_workers(batches, self.parts, Recipe(s.standard, s.cache, s.keep_evidence), s.workers)
        pack = compile_pack(self.standard, s.cache)
        return screen_here(batches, self.parts, rule_detector(self.standard, pack, keep_evidence=s.keep_evidence))

    def _batches(self, rejects: RejectFile) -> Iterator[bytes]:
        with SeenIds(self.partial / "seen") as seen:
            for pulled in pull(self.settings.inputs, seen=seen, format=self.settings.format):
                rejects.add(pulled.rejects)
                if pulled.failure:
                    self.failures.append(pulled.failure)
                if pulled.traffic.num_rows:
                    yield encode_batch(self._entered(pulled))

    def _entered(self, pulled: Pulled) -> pa.RecordBatch:
        self.rows += pulled.traffic.num_rows
        self.size += pc.sum(pc.binary_length(pulled.traffic["text"])).as_py()
        return hash_identities(pulled.traffic, self.settings.id_key) if self.settings.id_key else pulled.traffic

    def _count(self, screened: Screened) -> None:
        self.activity.append(screened.activity)
        if sum(map(len, self.activity)) > _COMPACT_ROWS:
            self.activity = [merge_activity(self.activity)]

    def _judge(self, findings: TableFile) -> tuple[pa.Table, pa.Table]:
        rules = pa.concat_tables([FINDINGS.empty_table(), *(s.findings for s in self._reread())])
        total = sum(len(s) for s in self.parts.sketches())
        thin = [thin_sketches(s, total) for s in self.parts.sketches()]
        sketches = pa.concat_tables([SKETCHES.empty_table(), *thin])
        behaviour, activity = judge_behaviour(merge_activity(self.activity), sketches, rules, self.standard.version)
        findings.add(behaviour)
        findings.close()
        return activity, pa.concat_tables([rules, behaviour])

    def _reread(self) -> Iterator[Screened]:
        return (s for s in map(self.parts.load, self.parts.order) if s is not None)

    def _check_rejects(self, rejects: RejectFile) -> None:
        share = rejects.rows / max(1, rejects.rows + self.rows)
        if share > self.settings.max_rejects:
            message = (
                f"{rejects.rows} of {rejects.rows + self.rows} rows rejected, limit {self.settings.max_rejects:.1%}"
            )
            self.failures.append(FormatError(message, hint="see rejects.jsonl, or raise --max-rejects"))

    def _summary(self, findings: pa.Table, cases: pa.Table, rejects: RejectFile, seconds: float) -> dict[str, object]:
        kinds = pc.value_counts(findings["kind"].combine_chunks()).to_pylist()
        return {
            "sources": len(self.settings.inputs),
            "rows": self.rows,
            "rejected": rejects.rows,
            "findings": len(findings),
            "by_kind": {k["values"]: k["counts"] for k in sorted(kinds, key=lambda k: str(k["values"]))},
            "cases": len(cases),
            "campaigns": pc.count_distinct(cases["campaign_id"]).as_py(),
            "seconds": round(seconds, 3),
            "rows_per_second": round(self.rows / seconds) if seconds else 0,
            "mb_per_second": round(self.size / 1e6 / seconds, 2) if seconds else 0.0,
            "standard_version": self.standard.version,
        }
