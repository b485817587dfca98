"""`tocsin screen`: from logs of AI traffic to findings, ranked cases and a report."""

import gc
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.rim import cache_folder, progress, put_json, read_bytes, read_key, say
from tocsin.forms.errors import ConfigError, TocsinError

RARELY = 1_000_000  # new objects between two looks for circles of them


def screen(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders, globs, or - for standard input.")],
    out: Annotated[Path, typer.Option(help="Folder for everything the run writes.")],
    format: Annotated[str | None, typer.Option(help="jsonl, parquet, chat or otlp; detected when left out.")] = None,  # noqa: A002
    workers: Annotated[int, typer.Option(min=1, help="Processes that screen side by side; a guard takes one.")] = 1,
    standard: Annotated[
        Path | None, typer.Option(help="Folder of a misuse standard; the shipped one when left out.")
    ] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Also write scores.parquet, one row an event.")] = False,
    evidence: Annotated[
        str, typer.Option(help="excerpt keeps up to 160 characters a finding; none keeps offsets only.")
    ] = "excerpt",
    id_key: Annotated[Path | None, typer.Option(help="Key file: identifiers are replaced by keyed hashes.")] = None,
    allow: Annotated[
        Path | None, typer.Option(help="Allow-list (YAML) of rules, accounts or templates, with reason and expiry.")
    ] = None,
    alarms: Annotated[
        Path | None, typer.Option(help="Fingerprint bank: also look for the texts of its alarms.")
    ] = None,
    group_key: Annotated[
        list[Path] | None, typer.Option(help="Key file of a group whose alarms the bank holds; may be repeated.")
    ] = None,
    stage: Annotated[
        str, typer.Option(help="How far events are judged: first, second (candidates again, slower), guard.")
    ] = "first",
    budget: Annotated[
        float, typer.Option(min=0, max=1, help="Share of ordinary events that the second stage may look at.")
    ] = 1.0,
    model: Annotated[Path | None, typer.Option(help="Model of the classifier; the shipped one when left out.")] = None,
    guard: Annotated[
        Path | None, typer.Option(help="Guard file (YAML): an endpoint or an ONNX model, asked about doubtful events.")
    ] = None,
    max_rejects: Annotated[
        float, typer.Option(min=0, max=1, help="Share of rejected rows beyond which the run ends with exit code 3.")
    ] = 0.05,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run into the same folder stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Screen logs of AI traffic: findings, ranked cases and a report.

    Example: tocsin screen logs/ --out run --workers 2
    """
    gc.set_threshold(RARELY)  # nearly all that a run makes lives until it ends: to walk it again and again is lost time
    from tocsin.cases import parse_allowances  # kept out of `tocsin --help`
    from tocsin.flow import Judging, Settings, alarm_bank, as_stage, read_guard, run_screen

    if evidence not in ("excerpt", "none"):
        raise ConfigError(f"no evidence setting {evidence!r}", hint="use excerpt or none")
    if (stage == "guard") != (guard is not None):
        raise ConfigError("the guard stage and a guard file go together", hint="use --stage guard --guard FILE")
    settings = Settings(
        inputs=tuple(inputs),
        out=out,
        format=format,
        workers=workers,
        standard=standard,
        scores=scores,
        keep_evidence=evidence == "excerpt",
        id_key=read_key(id_key) if id_key else None,
        max_rejects=max_rejects,
        resume=resume,
        allowances=parse_allowances(read_bytes(allow, "allow-list")) if allow else (),
        today=datetime.now(UTC).date(),
        cache=cache_folder(),
        alarms=alarm_bank(alarms, [read_key(path) for path in group_key or ()], cache_folder()),
        judging=Judging(model, as_stage(stage), budget, read_guard(guard) if guard else None),
    )
    with progress("screening") as tick:
        outcome = run_screen(settings, time.perf_counter, tick)
    put_json(outcome.summary) if as_json else _tell(outcome.summary, out)
    for note in outcome.notes:
        say(note)
    for failure in outcome.failures:
        _tell_failure(failure)
    raise typer.Exit(outcome.exit_code)


def _tell(summary: dict[str, object], out: Path) -> None:
    say(
        f"{summary['rows']} events screened, {summary['rejected']} rejected: {summary['findings']} findings, "
        f"{summary['cases']} cases, {summary['campaigns']} campaigns"
    )
    say(f"read {out / 'report.html'}; list the cases with: tocsin cases {out}")


def _tell_failure(failure: TocsinError) -> None:
    say(f"tocsin: {failure}")
    if failure.hint:
        say(f"        {failure.hint}")
