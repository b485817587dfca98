"""Train and evaluate the classifier: labelled files in, a model or its measures out."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.flow.guarding import GuardSettings, guard_of
from tocsin.forms import TRAFFIC, ConfigError, FormatError, TransportError
from tocsin.screen import RuleDetector, rule_detector
from tocsin.screen.classifier import (
    ClassifierDetector,
    Model,
    Row,
    Session,
    Settings,
    Stages,
    authored_sessions,
    count_sessions,
    evaluate,
    fit_sessions,
    gather,
    judge,
    keep_apart,
    measure_apart,
    of_accounts,
    parse_labelled,
    prepare,
    read_model,
    sentence_encoder,
    session_inputs,
    shipped_model,
    train,
    voices_of,
    write_model,
    written_rows,
)
from tocsin.standard import compile_pack, load_standard
from tocsin.text import Folded, fold_batch

Stage = Literal["first", "second", "guard"]
STAGES: dict[str, Stage] = {"first": "first", "second": "second", "guard": "guard"}
BATCH = 4096
ALARMS = 0.01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_stage(name: str) -> Stage:
    """Read the name of a stage. Errors: ConfigError."""
    found: Stage | None = STAGES.get(name)
    if found is None:
        raise ConfigError(f"no stage {name!r}", hint=f"use {', '.join(STAGES)}")
    return found


@dataclass(frozen=True, slots=True)
class Judging:
    """Say how a run judges events: by which model, up to which stage, and on how much the second stage may look."""

    model: Path | None = None
    stage: Stage = "first"
    budget: float = 1.0
    guard: GuardSettings | None = None

    @property
    def name(self) -> str:
        """Name all that decides what it says."""
        return f"{load_model(self.model).digest} {self.stage} {self.budget} {self.guard}"

    def detector(self, standard_version: str, keep_evidence: bool) -> ClassifierDetector:
        """Load the model and, for the second stage, the encoder. Errors: as `load_model`."""
        encode = None if self.stage == "first" else sentence_encoder()
        ask = guard_of(self.guard, encode) if self.stage == "guard" and self.guard and encode else None
        stages = Stages(load_model(self.model), encode, ask, self.budget)
        return ClassifierDetector(stages, standard_version, keep_evidence)


def load_model(path: Path | None) -> Model:
    """Read a model file, or the shipped model where none is named. Errors: TransportError, FormatError."""
    if path is None:
        return shipped_model()
    try:
        return read_model(path.read_bytes())
    except OSError as error:
        raise TransportError(
            f"the model {path.name!r} cannot be read: {error.strerror}", hint="check the path"
        ) from error


def read_labelled(paths: Sequence[Path]) -> list[Row]:
    """Read labelled files, gzipped or not. Errors: TransportError for a file, FormatError for its lines."""
    return [row for path in paths for row in parse_labelled(_lines(path), path.name)]


def _lines(path: Path) -> Iterator[bytes]:
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
    """Train on labelled rows and on what the package brings, write the model, and measure it on sources kept apart."""
    data = gather([*rows, *written_rows(settings.seed)])
    tick(f"{len(data)} texts: folding and encoding")
    material = prepare(data, Rules.load(cache).voices, sentence_encoder())
    apart = keep_apart(material, settings, tick)
    model = with_sessions(train(material, apart, settings, tick), Rules.load(cache))
    raw = write_model(model)
    growing = out.with_name(out.name + ".growing")
    growing.write_bytes(raw)
    growing.replace(out)
    return {"digest": model.digest, "bytes": len(raw), "stages": measure_apart(data, apart, model)}


def with_sessions(model: Model, rules: "Rules") -> Model:
    """Fit the scale of sessions on the authored ones that are not held out."""
    sessions = [s for s in authored_sessions() if not s.held_out]
    table, misuse = judge_authored(sessions, Stages(model), rules)
    return replace(
        model, card=msgspec.structs.replace(model.card, sessions=fit_sessions(session_inputs(table, model), misuse))
    )


def judge_authored(sessions: Sequence[Session], stages: Stages, rules: "Rules") -> tuple[pa.Table, NDArray[np.bool_]]:
    """Judge authored sessions, each as the account of its own; give what they add up to, in their order, and labels."""
    turns = [(s, t) for s in sessions for t in s.turns]
    batch = _events([t.text for _, t in turns])
    names = {"account": [s.name for s, _ in turns], "session": [f"{s.name} {t.part}" for s, t in turns]}
    names["status"] = ["refused" if t.refused else "ok" for _, t in turns]
    for name, values in names.items():
        batch = batch.set_column(batch.schema.get_field_index(name), TRAFFIC.field(name), pa.array(values, pa.string()))
    folded = fold_batch(batch["text"])
    judged = judge(folded, rules.voices(folded), stages)
    table = of_accounts(count_sessions(batch, judged))
    place = pc.index_in(pa.array([s.name for s in sessions]), table["account"].combine_chunks())
    return table.take(place), np.array([s.misuse for s in sessions])


def judge_texts(texts: Sequence[str], model: Model, stage: Stage, cache: Path | None) -> NDArray[np.float64]:
    """Give the probability of harm of each text, as a user's message of its own."""
    rules, stages = Rules.load(cache), Stages(model, None if stage == "first" else sentence_encoder())
    parts = []
    for at in range(0, len(texts), BATCH):
        folded = fold_batch(pa.array(list(texts[at : at + BATCH]), pa.string()))
        parts.append(judge(folded, rules.voices(folded), stages).harm)
    return np.concatenate([np.zeros(0), *parts])


def evaluate_model(rows: Sequence[Row], model: Model, stage: Stage, cache: Path | None) -> dict[str, Any]:
    """Judge labelled rows and measure how well that ranks them."""
    data = gather(rows)
    alarm = {lang: scale.threshold(ALARMS) for lang, scale in model.card.scales[stage].items()}
    return {"stage": stage, "model": model.digest} | evaluate(data, judge_texts(data.texts, model, stage, cache), alarm)


@dataclass(frozen=True)
class Rules:
    """Hear the rules of the standard on folded texts."""

    detector: RuleDetector

    @classmethod
    def load(cls, cache: Path | None) -> Self:
        """Load the shipped standard."""
        standard = load_standard(cache=cache)
        return cls(rule_detector(standard, compile_pack(standard, cache), keep_evidence=False))

    def voices(self, folded: Folded) -> NDArray[np.float32]:
        """Say what the rules say of each text, as a user's message of its own."""
        batch = _events(folded.texts)
        return voices_of(batch["event_id"], self.detector.find(batch, folded))


def _events(texts: Sequence[str] | pa.Array) -> pa.RecordBatch:
    """Make each text a user's message of its own."""
    rows = len(texts)
    given = {
        "event_id": pa.array([str(n) for n in range(rows)], pa.string()),
        "time": pa.array([_EPOCH] * rows, TRAFFIC.field("time").type),
        "role": pa.array(["user"] * rows, pa.string()),
        "text": texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string()),
    }
    columns = [given.get(field.name, pa.nulls(rows, field.type)) for field in TRAFFIC]
    return pa.RecordBatch.from_arrays(columns, schema=TRAFFIC)
