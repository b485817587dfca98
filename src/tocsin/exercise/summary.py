"""The figures of a result: quantiles, differences between policies, and what the outcome hangs on."""

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.exercise.dice import Floats
from tocsin.exercise.outcomes import MEASURES
from tocsin.exercise.run import Result

QUANTILES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}
COMPARED = ("harm_averted", "known_share", "accounts", "people", "reviews")
SENSITIVE = ("harm_averted", *MEASURES)  # measures that can be asked what they hang on
AGES = (7, 30, 90, 180, 365)
DIGITS = 6  # significant ones in a summary
_NORMAL_95 = 1.959964
CAVEAT = "parameters are assumed ranges; read the order of policies and what the outcome hangs on, not the figures"


def summarise(result: Result, digest: str, version: str) -> dict[str, Any]:
    """Put a result into figures; nothing in it depends on time or machine."""
    return {
        "scenario": result.scenario.name,
        "scenario_digest": digest,
        "version": version,
        "seed": result.seed,
        "runs": result.runs,
        "days": result.scenario.days,
        "caveat": CAVEAT,
        "policies": {name: _policy(result, i) for i, name in enumerate(result.policies)},
        "differences": list(_differences(result)),
    }


def results_table(result: Result) -> pa.Table:
    """Lay the outcomes out as a table: a row a run and policy; what the run drew stands in the last columns."""
    policies, runs = len(result.policies), result.runs
    columns: dict[str, Any] = {
        "policy": np.repeat(np.array(result.policies, dtype=object), runs),
        "run": np.tile(np.arange(runs, dtype=np.int32), policies),
    }
    columns |= {name: values.reshape(-1) for name, values in (*result.measures.items(), *result.ends.items())}
    columns |= {f"drawn.{path}": np.tile(values, policies) for path, values in result.drawn.items()}
    return pa.table(columns)


def rank_correlation(a: Floats, b: Floats) -> float:
    """Correlate the ranks of two samples (Spearman, 1904); ties share their mean rank, a constant gives 0."""
    ranks = [_ranks(x) - (len(x) - 1) / 2 for x in (a, b)]
    size = math.sqrt(float((ranks[0] ** 2).sum()) * float((ranks[1] ** 2).sum()))
    return float(ranks[0] @ ranks[1]) / size if size else 0.0


def sensitivity(result: Result, policy: str, measure: str) -> list[tuple[str, float]]:
    """Correlate what runs drew with what came out, strongest first: (place in the scenario file, correlation)."""
    outcome = result.measures[measure][result.policies.index(policy)]
    found = [(path, rank_correlation(values, outcome)) for path, values in result.drawn.items()]
    return sorted(found, key=lambda row: (-abs(row[1]), row[0]))


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2)[place])


def _policy(result: Result, i: int) -> dict[str, Any]:
    measures = {m: _quantiles(result.measures[m][i]) for m in SENSITIVE}
    curve = result.curves[i]
    known = {str(age): _short(float(curve[age])) for age in AGES if age < len(curve)}
    ends = {end: _short(float(shares[i].mean())) for end, shares in result.ends.items()}
    return {**measures, "known_by_age": known, "ends": ends}


def _quantiles(values: Floats) -> dict[str, float | None]:
    ranked = np.sort(values)
    found = {name: float(ranked[min(int(q * len(ranked)), len(ranked) - 1)]) for name, q in QUANTILES.items()}
    return {name: _short(value) for name, value in found.items()}


def _differences(result: Result) -> Iterator[dict[str, Any]]:
    """Compare every two policies run by run; low and high hold the mean with 95 % confidence."""
    for (i, a), (j, b) in combinations(enumerate(result.policies), 2):
        for measure in COMPARED:
            gap = result.measures[measure][j] - result.measures[measure][i]
            mean, error = float(gap.mean()), _NORMAL_95 * float(gap.std(ddof=1)) / math.sqrt(len(gap))
            interval = {"mean": _short(mean), "low": _short(mean - error), "high": _short(mean + error)}
            yield {"policy": b, "against": a, "measure": measure, **interval, **_quantiles(gap)}


def _short(value: float) -> float | None:
    """Keep the significant digits; what was not reached is null."""
    return float(f"{value:.{DIGITS}g}") + 0.0 if math.isfinite(value) else None
