"""Train and evaluate the classifier: labelled files in, a model or its measures out."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.flow.guarding import GuardSettings, guard_of
from tocsin.forms import TRAFFIC, ConfigError, FormatError, TransportError
from tocsin.screen import RuleDetector, rule_detector
from tocsin.screen.classifier import (
    ClassifierDetector,
    Model,
    Row,
    Settings,
    Stages,
    evaluate,
    gather,
    judge,
    keep_apart,
    measure_apart,
    parse_labelled,
    prepare,
    read_model,
    sentence_encoder,
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
    model = train(material, apart, settings, tick)
    raw = write_model(model)
    growing = out.with_name(out.name + ".growing")
    growing.write_bytes(raw)
    growing.replace(out)
    return {"digest": model.digest, "bytes": len(raw), "stages": measure_apart(data, apart, model)}


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
        ids = pa.array([str(n) for n in range(len(folded.texts))], pa.string())
        rows = len(folded.texts)
        given = {"event_id": ids, "time": pa.array([_EPOCH] * rows, TRAFFIC.field("time").type)}
        given |= {"role": pa.array(["user"] * rows, pa.string()), "text": folded.texts}
        columns = [given.get(f.name, pa.nulls(rows, f.type)) for f in TRAFFIC]
        batch = pa.RecordBatch.from_arrays(columns, schema=TRAFFIC)
        return voices_of(ids, self.detector.find(batch, folded))
