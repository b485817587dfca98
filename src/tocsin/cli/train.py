"""`tocsin train`: a classifier from labelled texts."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import cache_folder, put_json, put_rows, say
from tocsin.forms.errors import ConfigError

MEASURES = ("auprc", "recall_at_1%", "false_alarms")


def train(
    labelled: Annotated[list[Path], typer.Argument(help="Labelled texts, one JSON object a line.")],
    out: Annotated[Path, typer.Option(help="The model file to write.")],
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 1,
    leave: Annotated[list[str] | None, typer.Option(help="A source to leave out; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Train a classifier; prints what it reaches on sources kept apart. Same input, same bytes.

    Example: tocsin train labelled.jsonl --out my.model
    """
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # how sums are cut among threads shows in the last bits; numpy comes next
    from tocsin.flow import TrainSettings, read_labelled, train_model  # kept out of `tocsin --help`

    rows = [row for row in read_labelled(labelled) if row.source not in (leave or ())]
    if not rows:
        raise ConfigError("no labelled text to train on", hint="name files that hold some")
    made = train_model(rows, out, TrainSettings(seed=seed), cache_folder(), say)
    if as_json:
        put_json(made)
        return
    put_rows(("stage", "language", "left out", "misuse", *MEASURES), _rows(made))
    say(f"{out}: {made['bytes']} bytes, {made['digest']}")


def _rows(made: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (stage, row["language"], row["source"], row["misuse"], *(row.get(m, "") for m in MEASURES))
        for stage, parts in made["stages"].items()
        for row in parts["sources"]
    ]
