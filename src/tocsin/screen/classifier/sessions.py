"""Score sessions and accounts, not only messages: what they asked adds up, in whatever order its parts come in.

The first stage is a sum over features, so that the sum of a session's messages is nearly that of the session read as
one text. Beside it counts the worst message. How many were refused is told but not judged by: in the authored sessions
honest people are refused as often.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import SESSION_SCORES, SESSIONS
from tocsin.screen.classifier.linear import fit_logistic, probability
from tocsin.screen.classifier.model import Model
from tocsin.screen.classifier.scales import Dense
from tocsin.screen.classifier.stages import Judgement

Floats = NDArray[np.float64]
KEYS = ["session", "account"]
SUMS = ("turns", "weight", "features", "bad", "refused")
FOLDS = [*((name, "sum") for name in SUMS), ("worst", "max"), ("first", "min"), ("last", "max")]
BAD = 0.5  # a message of at least this probability is bad
PENALTY, ROUNDS = 1.0, 200


def count_sessions(batch: pa.RecordBatch, judged: Judgement) -> pa.Table:
    """Count what a batch's user turns add to each session; what names no session is left out."""
    bad = judged.harm >= BAD
    refused = pc.fill_null(pc.equal(batch["status"], "refused"), False).to_numpy(zero_copy_only=False)
    asked = pc.equal(batch["role"], "user").to_numpy(zero_copy_only=False)
    columns: dict[str, Any] = {
        "session": batch["session"],
        "account": batch["account"],
        "turns": asked,
        "weight": judged.weight * asked,
        "features": judged.features * asked,
        "bad": bad & asked,
        "refused": refused,
        "worst": np.where(asked, judged.harm, 0.0),
        "first": batch["time"],
        "last": batch["time"],
    }
    table = pa.table(columns | {n: columns[n].astype(np.int64) for n in SUMS})
    named = table.filter(pc.is_valid(table["session"]))
    return merge_sessions([named.select(SESSIONS.names).cast(SESSIONS)])


def merge_sessions(parts: Iterable[pa.Table]) -> pa.Table:
    """Merge partial SESSIONS into one row a session and account, sorted; the order of parts does not matter."""
    table = pa.concat_tables([SESSIONS.empty_table(), *parts])
    merged = table.group_by(KEYS, use_threads=False).aggregate(FOLDS)
    columns = [merged[k] for k in KEYS] + [merged[f"{name}_{how}"] for name, how in FOLDS]
    return pa.Table.from_arrays(columns, schema=SESSIONS).sort_by([(k, "ascending") for k in KEYS])


def of_accounts(sessions: pa.Table) -> pa.Table:
    """Add up the sessions of each account, as one session without a name."""
    named = sessions.filter(pc.is_valid(sessions["account"]))
    place = sessions.schema.get_field_index("session")
    return merge_sessions([named.set_column(place, "session", pa.nulls(len(named), pa.string()))])


def session_inputs(sessions: pa.Table, model: Model) -> Floats:
    """Give what sessions are judged by: the session read as one text, and its worst turn. Shape: a row a session."""
    weight, features = (sessions[name].to_numpy().astype(np.float64) for name in ("weight", "features"))
    whole = weight * float(model.lanes[0]) / np.sqrt(np.maximum(features, 1)) + float(model.bias[0])
    worst = np.clip(sessions["worst"].to_numpy(), 1e-4, 1 - 1e-4)
    return np.stack([whole, np.log(worst / (1 - worst))], axis=1)


def fit_sessions(inputs: Floats, misuse: NDArray[np.bool_]) -> list[float]:
    """Fit the scale of sessions: a slope an input, then the intercept."""
    weights = np.where(misuse, 0.5 / misuse.mean(), 0.5 / (1 - misuse.mean()))
    slopes, intercept = fit_logistic(Dense(inputs), misuse.astype(np.float64), weights, PENALTY, ROUNDS)
    return [round(float(s), 6) for s in (*slopes, intercept)]


def judge_sessions(sessions: pa.Table, model: Model) -> Floats:
    """Give the probability, at even odds, that a session is misuse."""
    slopes = np.array(model.card.sessions)
    return probability((session_inputs(sessions, model) * slopes[:-1]).sum(axis=1) + slopes[-1])


def score_sessions(sessions: pa.Table, model: Model) -> pa.Table:
    """Score merged SESSIONS as SESSION_SCORES."""
    scored = sessions.append_column("harm", pa.array(judge_sessions(sessions, model)))
    return scored.select(SESSION_SCORES.names).cast(SESSION_SCORES)
