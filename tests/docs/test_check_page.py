"""docs/check-api.md says what the API takes, answers and calls things."""

import json
import re
from pathlib import Path

from tocsin.cases import parse_policy
from tocsin.cases.policy import Clause, FindingIs, HintIs, Policy, ProbabilityIs, When
from tocsin.node.check_forms import CHECK_ANSWER, CHECK_BODY
from tocsin.node.config import CheckSection
from tocsin.node.moderating import CATEGORIES
from tocsin.node.routes.check import read_asked

PAGE = (Path(__file__).parents[2] / "docs" / "check-api.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_mapping_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z/-]+)` \| (.*?) \|$", PAGE, re.MULTILINE)
    told = {name: tuple(re.findall(r"\b(?:M\d\d|L-[a-z]+)\b", kinds)) for name, kinds in rows if name in CATEGORIES}
    assert told == CATEGORIES


def test_every_field_key_and_setting_is_named() -> None:
    fields = {*CHECK_BODY["properties"], *CHECK_ANSWER["properties"], *CheckSection.model_fields}
    keys = {name for form in (Policy, Clause, When, FindingIs, ProbabilityIs, HintIs) for name in form.model_fields}
    assert {name for name in fields | keys if f"`{name}`" not in PAGE} == set()


def test_examples_are_in_the_form() -> None:
    answer, piece = map(json.loads, blocks("json"))
    assert set(answer) == set(CHECK_ANSWER["required"])
    assert read_asked(json.dumps(piece).encode()).stream is not None
    (sent,) = re.findall(r"<<'EOF'\n(.*?)\nEOF", PAGE, re.DOTALL)
    assert read_asked(sent.encode()).account == "acct-17"
    _, policy = blocks("yaml")
    assert [clause.id for clause in parse_policy(policy.encode()).clauses] == ["weapons", "doubtful"]
