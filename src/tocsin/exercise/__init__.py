"""The coalition under attack, simulated: what sharing alarms is worth and what it costs, from assumed ranges."""

from tocsin.exercise.check import Case, check_cases
from tocsin.exercise.page import render_exercise
from tocsin.exercise.run import Result, run_exercise
from tocsin.exercise.scenario import BUILT_IN, Scenario, built_in, read_scenario, scenario_digest
from tocsin.exercise.summary import SENSITIVE, results_table, sensitivity, summarise

__all__ = [
    "BUILT_IN",
    "SENSITIVE",
    "Case",
    "Result",
    "Scenario",
    "built_in",
    "check_cases",
    "read_scenario",
    "render_exercise",
    "results_table",
    "run_exercise",
    "scenario_digest",
    "sensitivity",
    "summarise",
]
