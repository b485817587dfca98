"""Run an exercise from its scenario file to its results, report and summary."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin import __version__
from tocsin.flow.outputs import publish, write_json, write_table
from tocsin.forms import ConfigError, TransportError
from tocsin.standard import load_standard

Tick = Callable[[int, int], None]
_PARTIAL = ".exercise"


@dataclass(frozen=True, slots=True)
class Exercise:
    """Name a scenario (a file, or one that ships), the seed of all chance, and how many runs to make."""

    scenario: str
    seed: int
    runs: int


def _scenario_bytes(name: str) -> bytes:
    """Read a scenario: one that ships, by its name, or a file.

    Errors: TransportError where neither is there.
    """
    from tocsin.exercise import BUILT_IN, built_in  # here and below: kept out of every other command

    if name in BUILT_IN:
        return built_in(name)
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise TransportError(
            f"the scenario {Path(name).name!r} cannot be read: {error.strerror}",
            hint=f"name a file, or one of {', '.join(BUILT_IN)}",
        ) from error


def rank_ranges(wanted: Exercise, policy: str, measure: str, tick: Tick) -> list[tuple[str, float]]:
    """Run an exercise and rank what its outcome hangs on.

    Errors: ConfigError for a policy or measure that the scenario does not have.
    """
    from tocsin.exercise import SENSITIVE, read_scenario, run_exercise, sensitivity

    scenario = read_scenario(_scenario_bytes(wanted.scenario))
    policies = [p.name for p in scenario.policies]
    for what, name, known in (("policy", policy, policies), ("measure", measure, SENSITIVE)):
        if name not in known:
            raise ConfigError(f"no {what} is named {name!r}", hint=f"use one of {', '.join(known)}")
    return sensitivity(run_exercise(scenario, wanted.seed, wanted.runs, tick), policy, measure)


def write_exercise(wanted: Exercise, out: Path, tick: Tick) -> dict[str, Any]:
    """Run an exercise, write results.parquet, summary.json and report.html whole or not at all; return the summary."""
    from tocsin.exercise import (
        read_scenario,
        render_exercise,
        results_table,
        run_exercise,
        scenario_digest,
        summarise,
    )

    raw = _scenario_bytes(wanted.scenario)
    result = run_exercise(read_scenario(raw), wanted.seed, wanted.runs, tick)
    summary = summarise(result, scenario_digest(raw), __version__)
    staged = _staging(out)
    try:
        write_table(staged / "results.parquet", results_table(result))
        write_json(staged / "summary.json", summary)
        kinds = load_standard(prove=False).names
        (staged / "report.html").write_text(render_exercise(result, summary, kinds), encoding="utf-8")
        publish(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return summary


def _staging(out: Path) -> Path:
    staged = out / _PARTIAL
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
    except OSError as error:
        raise TransportError(
            f"the folder {out.name!r} cannot be written: {error.strerror}", hint="check --out"
        ) from error
    return staged
