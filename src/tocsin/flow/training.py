"""Train a classifier: labelled files in, a model file and what it reaches on sources kept apart out."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.flow.judging import Rules, as_events
from tocsin.forms import TRAFFIC, FormatError, TransportError
from tocsin.screen.classifier import (
    Model,
    Row,
    Session,
    SessionsSoFar,
    Settings,
    Stages,
    as_turns,
    authored_sessions,
    count_sessions,
    fit_sessions,
    fit_so_far,
    gather,
    in_order,
    judge,
    keep_apart,
    measure_apart,
    of_accounts,
    ordinary_sessions,
    parse_labelled,
    prepare,
    sentence_encoder,
    session_inputs,
    train,
    turns_of,
    weighed,
    write_model,
    written_rows,
)
from tocsin.text import fold_batch


def read_labelled(paths: Sequence[Path]) -> list[Row]:
    """Read labelled files, gzipped or not. Errors: TransportError for a file, FormatError for its lines."""
    return [row for path in paths for row in parse_labelled(lines_of(path), path.name)]


def lines_of(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, gzipped or not. Errors: TransportError, FormatError."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise FormatError(f"{path.name!r} is not a gzip file", hint="unpack it first") from error
    except OSError as error:
        raise TransportError(f"{path.name!r} cannot be read: {error.strerror}", hint="check the path") from error


def train_model(
    rows: Sequence[Row], out: Path, settings: Settings, cache: Path | None, tick: Callable[[str], None]
) -> dict[str, Any]:
    """Train on labelled rows and on what the package brings, write the model, and measure it on sources kept apart.

    The order of rows does not matter. Errors: TransportError where the model cannot be written, which is tried first.
    """
    growing = out.with_name(out.name + ".growing")
    _write(growing, b"")
    data = gather([*in_order(rows), *written_rows(settings.seed)])
    tick(f"{len(data)} texts: folding and encoding")
    material = prepare(data, Rules.load(cache).voices, sentence_encoder())
    apart = keep_apart(material, settings, tick)
    model = with_sessions(train(material, apart, settings, tick), Rules.load(cache))
    raw = write_model(model)
    _write(growing, raw)
    growing.replace(out)
    return {"digest": model.digest, "bytes": len(raw), "stages": measure_apart(data, apart, model)}


def _write(path: Path, raw: bytes) -> None:
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise TransportError(f"cannot write {path.name!r}: {error.strerror}", hint="check the path") from error


def with_sessions(model: Model, rules: Rules) -> Model:
    """Fit the slopes of a session so far on written sessions, the scale of whole ones on half of the first."""
    sessions, so_far = [*authored_sessions(), *ordinary_sessions()], {}
    for name, stages in (("second", Stages(model, sentence_encoder())), ("first", Stages(model))):
        told = judge_authored(sessions, stages, rules)
        so_far[name] = fit_so_far(told.logit, told.inputs, told.misuse)
    used = np.array([s.scenario != "ordinary" and not s.held_out for s in sessions])
    misuse = np.array([s.misuse for s in sessions])
    scale = fit_sessions(session_inputs(told.sessions, model)[used], misuse[used])
    return replace(model, card=msgspec.structs.replace(model.card, sessions=scale, so_far=so_far))


@dataclass(frozen=True)
class Told:
    """Hold authored sessions as they were judged: what each adds up to, in their order, and every turn of them.

    Shape: `logit`, `stage`, `misuse`, `inputs` (of the session so far) and `session` (its number) have a row a turn.
    """

    sessions: pa.Table
    logit: NDArray[np.float64]
    stage: NDArray[np.str_]
    inputs: NDArray[np.float64]
    misuse: NDArray[np.bool_]
    session: NDArray[np.int64]


def judge_authored(sessions: Sequence[Session], stages: Stages, rules: Rules) -> Told:
    """Judge authored sessions, each as the account of its own; what a harmful one asks besides small talk is misuse."""
    turns = [(s, t) for s in sessions for t in s.turns]
    batch = as_events([t.text for _, t in turns])
    names = {"account": [s.name for s, _ in turns], "session": [f"{s.name} {t.part}" for s, t in turns]}
    names["status"] = ["refused" if t.refused else "ok" for _, t in turns]
    for name, values in names.items():
        batch = batch.set_column(batch.schema.get_field_index(name), TRAFFIC.field(name), pa.array(values, pa.string()))
    folded = fold_batch(batch["text"])
    judged = judge(folded, rules.voices(folded), stages)
    table = of_accounts(count_sessions(batch, judged))
    place = pc.index_in(pa.array([s.name for s in sessions]), table["account"].combine_chunks())
    logit, _ = weighed(judged, stages.model)
    inputs = SessionsSoFar().follow(as_turns(turns_of(batch, judged, stages.model)))
    misuse = np.array([s.misuse and not t.talk for s, t in turns])
    number = np.repeat(np.arange(len(sessions)), [len(s.turns) for s in sessions])
    return Told(table.take(place), logit, judged.stage, inputs, misuse, number)
