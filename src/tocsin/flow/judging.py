"""Judge texts by the classifier: which model, how far, and what the rules say beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tocsin.flow.guarding import GuardSettings, guard_of
from tocsin.forms import ConfigError, TransportError
from tocsin.screen import RuleDetector, as_traffic, rule_detector
from tocsin.screen.classifier import (
    ClassifierDetector,
    Model,
    Stages,
    judge,
    read_model,
    rows_of,
    sentence_encoder,
    shipped_model,
    voices_of,
)
from tocsin.standard import compile_pack, load_standard
from tocsin.text import Folded, fold_batch

Stage = Literal["first", "second", "guard"]
STAGES: dict[str, Stage] = {"first": "first", "second": "second", "guard": "guard"}
BATCH = 4096


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
    sessions: bool = False  # whether sessions are counted too

    @property
    def name(self) -> str:
        """Name all that decides what it says."""
        return f"{load_model(self.model).digest} {self.stage} {self.budget} {self.guard} {self.sessions}"

    def detector(self, standard_version: str, keep_evidence: bool) -> ClassifierDetector:
        """Load the model and, for the second stage, the encoder. Errors: as `load_model`."""
        encode = None if self.stage == "first" else sentence_encoder()
        ask = guard_of(self.guard, encode) if self.stage == "guard" and self.guard and encode else None
        stages = Stages(load_model(self.model), encode, ask, self.budget)
        return ClassifierDetector(stages, standard_version, keep_evidence, self.sessions)


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


def judge_texts(texts: Sequence[str], model: Model, stage: Stage, cache: Path | None) -> NDArray[np.float64]:
    """Give the probability of harm of each text, as a user's message of its own."""
    rules, stages = Rules.load(cache), Stages(model, None if stage == "first" else sentence_encoder())
    parts = []
    for at in range(0, len(texts), BATCH):
        folded = fold_batch(pa.array(list(texts[at : at + BATCH]), pa.string()))
        parts.append(judge(folded, rules.voices(folded), stages).harm)
    return np.concatenate([np.zeros(0), *parts])


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
        batch = as_events(folded.texts)
        findings = self.detector.find(batch, folded)
        return voices_of(findings, rows_of(batch["event_id"], findings), batch.num_rows)


def as_events(texts: Sequence[str] | pa.Array) -> pa.RecordBatch:
    """Make each text a user's message of its own."""
    return as_traffic(texts if isinstance(texts, pa.Array) else pa.array(texts, pa.string()), ["user"] * len(texts))
