"""docs/exercise.md names every field, measure, scenario and policy that the exercise knows."""

import re
from pathlib import Path

import pytest

from tocsin.exercise import BUILT_IN, SENSITIVE
from tocsin.exercise.scenario import MOST_DAYS, MOST_PROVIDERS, Scenario, Table

PAGE = (Path(__file__).parents[2] / "docs/exercise.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
NAMED = set(re.findall(r"\w[\w-]*", " ".join(re.findall(r"`([^`]+)`", PROSE))))


def forms() -> list[type[Table]]:
    return [form for form in Table.__subclasses__() if form.__module__ == Scenario.__module__]


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.__name__)
def test_every_field_is_named(form: type[Table]) -> None:
    assert set(form.model_fields) - {"en", "zh"} - NAMED <= {"providers", "campaigns", "policies"}


def test_every_measure_scenario_and_way_to_act_is_named() -> None:
    assert set(SENSITIVE) | set(BUILT_IN) | {"none", "side", "all", "automatic", "corroborated", "review"} <= NAMED


def test_the_limits_are_those_of_the_code() -> None:
    assert f"30 to {MOST_DAYS}" in PAGE and f"{MOST_PROVIDERS} in all" in PAGE
