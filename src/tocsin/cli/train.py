"""`tocsin train`: a classifier from labelled texts."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.rim import cache_folder, put_json, put_rows, say
from tocsin.forms.errors import ConfigError

if TYPE_CHECKING:
    from tocsin.screen.classifier import Row

MEASURES = ("auprc", "recall_at_1%", "false_alarms")


def train(
    out: Annotated[Path, typer.Option(help="The model file to write.")],
    labelled: Annotated[list[Path] | None, typer.Argument(help="Labelled texts, one JSON object a line.")] = None,
    from_decisions: Annotated[Path | None, typer.Option(help="Decisions on cases, one JSON object a line.")] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the `tocsin screen` run whose cases were decided.")
    ] = None,
    logs: Annotated[list[str] | None, typer.Option(help="A log that the run read; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 1,
    leave: Annotated[list[str] | None, typer.Option(help="A source to leave out; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Train a classifier; prints what it reaches on sources kept apart. Same input, same bytes.

    Reviewed cases are labels too: the events that findings of a decided case speak of. Name the decisions, the run and
    its logs together.

    Example: tocsin train labelled.jsonl --out my.model
    Example: tocsin train --from-decisions decided.jsonl --run run --logs logs --out my.model
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # how sums are cut among threads shows in the last bits; numpy comes next
    from tocsin.flow import TrainSettings, read_labelled, train_model  # kept out of `tocsin --help`

    every = [*read_labelled(labelled or []), *_decided(from_decisions, run, logs or [])]
    rows = [row for row in every if row.source not in (leave or ())]
    if not rows:
        raise ConfigError("no labelled text to train on", hint="name files that hold some")
    made = train_model(rows, out, TrainSettings(seed=seed), cache_folder(), say)
    if as_json:
        put_json(made)
        return
    put_rows(("stage", "language", "left out", "misuse", *MEASURES), _rows(made))
    say(f"{out}: {made['bytes']} bytes, {made['digest']}")


def _decided(decisions: Path | None, run: Path | None, logs: list[str]) -> "list[Row]":
    """Label the events of decided cases, and say what was left out."""
    from tocsin.flow import decided_rows, read_decisions

    if not (decisions or run or logs):
        return []
    if not (decisions and run and logs):
        given = ["--from-decisions"] * bool(decisions) + ["--run"] * bool(run) + ["--logs"] * bool(logs)
        raise ConfigError(f"of three options only {', '.join(given)} is there", hint="name decisions, run and logs")
    found = decided_rows(read_decisions(decisions), run, logs)
    misuse = sum(row.label == "misuse" for row in found.rows)
    say(f"{found.cases} decided cases: {misuse} events of misuse, {len(found.rows) - misuse} benign")
    for why, count in sorted(found.left_out.items()):
        if count:
            say(f"left out: {count} {why}")
    return found.rows


def _rows(made: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (stage, row["language"], row["source"], row["misuse"], *(row.get(m, "") for m in MEASURES))
        for stage, parts in made["stages"].items()
        for row in parts["sources"]
    ]
