"""Score a turn by the session so far: what was asked before it, and whether a refused request comes back.

Two inputs stand beside the turn's own logit, fitted on authored sessions: by how much the gravest earlier turn exceeds
what is ordinary, and how much graver the refused requests were that this turn asks again, in whatever words or
language. Such requests are found by signs of sentence vectors, so that only the second stage sees them. Turns come in
the order of the stream.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import LABELS, TURNS
from tocsin.screen.classifier.linear import fit_logistic, probability
from tocsin.screen.classifier.model import Model
from tocsin.screen.classifier.scales import Dense, Scale, by_language
from tocsin.screen.classifier.stages import Judgement

Floats = NDArray[np.float64]
ORDINARY = 0.1  # of ordinary texts exceed the probability from which a turn is remembered
MOST_OVER = 6.0
ASKING = "user"  # the role whose turns are scored by their sessions
AGAIN = (-1.0, 4.0)  # a bland request that was refused makes the next one hardly more harmless
NEAR = 42  # of 128 bits in which the signs of one request differ at most: a cosine of one half
MOST_REFUSED = 8  # requests of a session that are remembered: the last ones
MOST_SESSIONS = 1 << 16  # that are remembered: those with the latest grave turns
PENALTY, ROUNDS = 1.0, 200


class Turn(NamedTuple):
    """Hold what is asked of one event, see TURNS."""

    key: tuple[str, str | None]
    asked: bool
    refused: bool
    logit: float
    over: float
    sign: bytes | None


class _Request(NamedTuple):
    logit: float
    sign: int | None


@dataclass(slots=True)
class _Told:
    gravest: float = 0.0
    last: _Request | None = None  # what was asked last, if it was grave and not refused yet
    refused: list[_Request] = field(default_factory=list)


@dataclass
class SessionsSoFar:
    """Follow sessions turn by turn; remember at most so many, of each a number and at most eight refused requests."""

    most: int = MOST_SESSIONS
    _told: OrderedDict[tuple[str, str | None], _Told] = field(default_factory=OrderedDict)

    def follow(self, turns: Sequence[Turn]) -> Floats:
        """Give the inputs of each turn and remember it. Shape: a row a turn: the gravest before it, what it asks again.

        The result does not depend on how turns are cut into calls.
        """
        return np.array([self._one(turn) for turn in turns], dtype=np.float64).reshape(-1, 2)

    def follow_table(self, turns: pa.Table) -> tuple[NDArray[np.int64], Floats]:
        """Follow TURNS; give the rows and inputs of those turns that something was remembered for."""
        heard = self._concerned(turns)
        read = as_turns(heard)
        inputs = self.follow(read)
        some = inputs.any(axis=1) & heard["asked"].to_numpy(zero_copy_only=False)
        return np.asarray(heard["row"].to_numpy()[some]), inputs[some]

    def __len__(self) -> int:
        return len(self._told)

    def _concerned(self, turns: pa.Table) -> pa.Table:
        """Leave out turns of sessions in which nothing grave was asked, up to the end of this table."""
        keys = list(zip(turns["session"].to_pylist(), turns["account"].to_pylist(), strict=True))
        grave = {keys[row] for row in np.flatnonzero(turns["over"].to_numpy() > 0).tolist()}
        return turns.filter(pa.array([key in grave or key in self._told for key in keys], pa.bool_()))

    def _one(self, turn: Turn) -> tuple[float, float]:
        told = self._told.get(turn.key)
        if not turn.asked:
            if told and turn.refused:
                _refuse(told)
            return 0.0, 0.0
        sign = int.from_bytes(turn.sign, "little") if turn.sign else None
        inputs = (told.gravest, _again(told, turn.logit, sign)) if told else (0.0, 0.0)
        if turn.over > 0:
            told = self._remember(turn.key)
            told.gravest = max(told.gravest, min(turn.over, MOST_OVER))
        if told:
            told.last = _Request(turn.logit, sign) if turn.over > 0 else None
            if turn.refused:
                _refuse(told)
        return inputs

    def _remember(self, key: tuple[str, str | None]) -> _Told:
        told = self._told.setdefault(key, _Told())
        self._told.move_to_end(key)
        if len(self._told) > self.most:
            self._told.popitem(last=False)
        return told


def _refuse(told: _Told) -> None:
    if told.last:
        told.refused = [*told.refused, told.last][-MOST_REFUSED:]
        told.last = None


def _again(told: _Told, logit: float, sign: int | None) -> float:
    if sign is None:
        return 0.0
    same = [r.logit for r in told.refused if r.sign is not None and (r.sign ^ sign).bit_count() <= NEAR]
    return min(max(sum(same) / len(same) - logit, AGAIN[0]), AGAIN[1]) if same else 0.0


def turns_of(batch: pa.RecordBatch, judged: Judgement, model: Model) -> pa.Table:
    """Give the TURNS of a batch: what is named, and asks something or was refused."""
    asked = pc.equal(batch["role"], ASKING)
    refused = pc.fill_null(pc.equal(batch["status"], "refused"), False)
    logit, over = weighed(judged, model)
    columns = {
        "row": pa.array(np.arange(batch.num_rows)),
        "session": batch["session"],
        "account": batch["account"],
        "asked": asked,
        "refused": refused,
        "logit": logit,
        "over": over,
        "sign": pa.array(judged.signs, pa.binary(16)),
    }
    wanted = pc.and_(pc.is_valid(batch["session"]), pc.or_(asked, refused))
    return pa.table(columns).filter(wanted).cast(TURNS)


def as_turns(turns: pa.Table) -> list[Turn]:
    """Read TURNS row by row."""
    names = ("session", "account", "asked", "refused", "logit", "over", "sign")
    return [Turn((row[0], row[1]), *row[2:]) for row in zip(*(turns[n].to_pylist() for n in names), strict=True)]


def weighed(judged: Judgement, model: Model) -> tuple[Floats, Floats]:
    """Give the logit of each text's harm, and by how much it exceeds what is ordinary on its scale."""
    harm = np.clip(judged.harm, 1e-9, 1 - 1e-9)
    logit = np.log(harm / (1 - harm))
    first, second = (by_language(judged.langs, model.card.scales[stage], _ordinary) for stage in ("first", "second"))
    return logit, np.maximum(logit - np.where(judged.stage == "first", first, second), 0)


def _ordinary(scale: Scale) -> float:
    share = scale.threshold(ORDINARY)
    return float(np.log(share / (1 - share)))


def fit_so_far(logit: Floats, inputs: Floats, misuse: NDArray[np.bool_]) -> list[float]:
    """Fit the slopes of the inputs beside that of the turn's own logit, which stays 1; none is below 0."""
    weights = np.where(misuse, 0.5 / misuse.mean(), 0.5 / (1 - misuse.mean()))
    beside = np.column_stack([logit, inputs])
    slopes, _ = fit_logistic(Dense(beside), misuse.astype(np.float64), weights, PENALTY, ROUNDS)
    return [round(max(float(s / slopes[0]), 0.0), 6) for s in slopes[1:]]


def raised(logit: Floats, stage: NDArray[np.str_], inputs: Floats, model: Model) -> Floats:
    """Give the probability of harm of turns in their sessions."""
    slopes = {name: np.array(of) for name, of in model.card.so_far.items()}
    first = (stage == "first")[:, None]
    return probability(logit + (inputs * np.where(first, slopes["first"], slopes["second"])).sum(axis=1))


def judge_in_calls(judged: Judgement, roles: Sequence[str], calls: Sequence[int], model: Model) -> Judgement:
    """Judge messages by what stands before them in the same call; nothing is known of refusals there.

    Shape: a role and the number of its call for each text.
    """
    logit, over = weighed(judged, model)
    columns = zip(roles, calls, logit.tolist(), over.tolist(), judged.signs, strict=True)
    turns = [Turn((str(call), None), role == ASKING, False, *rest) for role, call, *rest in columns]
    inputs = SessionsSoFar(most=len(turns)).follow(turns)
    rows = np.flatnonzero(inputs.any(axis=1))
    moved = np.ones(len(turns))
    moved[rows] = raised(logit[rows], judged.stage[rows], inputs[rows], model) / probability(logit[rows])
    return replace(judged, harm=judged.harm * moved, labels=judged.labels * moved[:, None])


def score_in_sessions(scores: pa.Table, turns: pa.Table, so_far: SessionsSoFar, model: Model) -> pa.Table:
    """Score the events of a batch in their sessions: `harm` moves, `score` and the labels keep their shares of it."""
    rows, inputs = so_far.follow_table(turns)
    if not len(rows):
        return scores
    logit = turns["logit"].to_numpy()[np.searchsorted(turns["row"].to_numpy(), rows)]
    stage = np.array(scores["stage"].take(pa.array(rows)).to_pylist())
    moved = np.ones(len(scores))
    moved[rows] = raised(logit, stage, inputs, model) / probability(logit)
    for name in ("score", "harm", *LABELS):
        values = (scores[name].to_numpy() * moved).astype(np.float32)
        scores = scores.set_column(scores.schema.get_field_index(name), scores.schema.field(name), pa.array(values))
    return scores
