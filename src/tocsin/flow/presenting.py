"""Turn a run's tables into its report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tocsin.cases import BEHAVIOUR
from tocsin.report import ReportInput, RuleView, StandardView, render_report, write_charts
from tocsin.standard import Standard


@dataclass(frozen=True, slots=True)
class Finished:
    """Hold what a finished run's report is made from."""

    findings: pa.Table
    activity: pa.Table
    cases: pa.Table
    reject_reasons: Mapping[str, int]
    rows: int
    sources: int


def present(folder: Path, run: Finished, standard: Standard, *, png: bool = False) -> list[str]:
    """Write report.html and charts/ into a folder, charts as PNG too if asked; return notes for the person at the
    terminal.
    """
    rules = {r.id: RuleView(r.form.title, r.form.severity) for r in standard.rules}
    view = StandardView(standard.version, standard.names, rules, BEHAVIOUR)
    reasons = dict(sorted(run.reject_reasons.items()))
    data = ReportInput(run.findings, run.activity, run.cases, reasons, run.rows, run.sources, view)
    (folder / "report.html").write_text(render_report(data), encoding="utf-8")
    return write_charts(data, folder / "charts", png=png)
