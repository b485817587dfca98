"""Scenario files: those that ship hold, bad ones are refused with field, value and what is allowed."""

import re
import tomllib
from typing import Any

import pytest
from exercise_scenes import Table, provider, table
from hypothesis import given
from hypothesis import strategies as st

from tocsin.exercise import BUILT_IN, built_in, read_scenario, scenario_digest
from tocsin.exercise.ranges import open_ranges
from tocsin.exercise.scenario import MOST_BYTES, Scenario, parse_scenario
from tocsin.exercise.words import policy_words, range_words
from tocsin.forms import ConfigError, FormatError, TocsinError


def toml(value: Any) -> str:
    """Write a value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def raw(**more: Any) -> bytes:
    return "\n".join(f"{name} = {toml(value)}" for name, value in table(**more).items()).encode()


def refusal(scenario: bytes) -> str:
    with pytest.raises(ConfigError) as error:
        read_scenario(scenario)
    assert "docs/exercise.md" in error.value.hint
    return str(error.value)


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_ships_is_valid_and_says_everything_in_words(name: str) -> None:
    scenario = read_scenario(built_in(name))
    assert scenario.name == name and len(scenario.members) == 12
    assert scenario.policies[0].name == "none" and len(scenario.policies) == 7
    labels = [range_words(path, scenario) for path, _ in open_ranges(scenario)]
    assert len(labels) > 50 and all("{" not in said.en + said.zh for said in labels)
    assert all("{" not in policy_words(p).en for p in scenario.policies)


def test_a_scenario_has_as_many_sides_as_it_likes() -> None:
    assert read_scenario(built_in("distrust")).sides == ("a", "b", "c")


def test_the_digest_names_the_bytes() -> None:
    one, other = built_in("poison"), built_in("distrust")
    assert scenario_digest(one) == scenario_digest(bytes(one)) != scenario_digest(other)


def campaign(**more: Any) -> list[Table]:
    return [{"kind": "M01", "rate": 1, **more}]


BAD = (
    ({"providers": [provider("a", recall={"M01": 1.2})]}, "providers[0].recall.M01 is 1.2, allowed 0 to 1"),
    ({"providers": [provider("a", recall={"M01": [0.3, 0.1]})]}, "providers[0].recall.M01 is [0.3, 0.1], allowed"),
    ({"providers": [provider("a", recall={"M01": "much"})]}, "providers[0].recall.M01 is 'much', allowed a number"),
    ({"providers": [provider("a", recall={"M01": [0, 0.1, "log"]})]}, "is [0, 0.1, 'log'], allowed above 0 with a log"),
    ({"providers": [provider("a", recall={"M01": [0, 0.1, "lin"]})]}, "is [0, 0.1, 'lin'], allowed a number"),
    ({"providers": [provider("a", recall={"M01": True})]}, "providers[0].recall.M01 is True, allowed a number"),
    ({"providers": [provider("a", recall={"M01": "nan"})]}, "providers[0].recall.M01 is 'nan', allowed a number"),
    ({"providers": [provider("a", recall={"M99": 0.1})]}, "providers[0].recall.M99 is 'M99', allowed"),
    ({"providers": [provider("a", recall={"M02": 0.1}, heed={"a": 1})]}, "providers[0].recall lacks kind 'M01'"),
    ({"providers": [provider("a", recal={"M01": 0.1})]}, "providers[0].recal is no field here, allowed side, count"),
    ({"providers": [provider("a", false_positives={"M01": 0.2})]}, "false_positives.M01 is 0.2, allowed 0 to 0.05"),
    ({"providers": [provider("a", capacity=-1)]}, "providers[0].capacity is -1, allowed 0 or more"),
    ({"providers": [provider("a", count=0)]}, "providers[0].count is 0, allowed: greater than or equal to 1"),
    ({"providers": [provider("a", count=20), provider("b", count=20)]}, "count is 40 together, allowed 1 to 24"),
    ({"providers": [provider("a", count=3)]}, "providers[0].heed.b is no side, allowed a"),
    ({"providers": [provider("a"), provider("c")]}, "providers[0].heed.b is no side, allowed a, c"),
    ({"providers": [provider("a", heed={})]}, "providers[0].heed lacks side 'a'"),
    ({"providers": []}, "providers is [], allowed"),
    ({"campaigns": []}, "campaigns is [], allowed"),
    ({"campaigns": campaign(rate=-2)}, "campaigns[0].rate is -2, allowed: greater than or equal to 0"),
    ({"campaigns": campaign(displacement=2)}, "campaigns[0].displacement is 2, allowed 0 to 1"),
    ({"campaigns": campaign() * 2}, "campaigns: a kind is there twice"),
    ({"campaigns": campaign(return_delay={"mean": 2})}, "return_delay.mean is no field here, allowed median, sigma"),
    ({"detectors": {"shared_misses": 1}}, "detectors.shared_misses is 1, allowed 0 to 0.95"),
    ({"detectors": {"shared_errors": 0}}, "detectors.shared_errors is 0, allowed 1 to 1000"),
    ({"outside": {"pul": 1}}, "outside.pul is no field here, allowed start, pull, last_resort, harm"),
    ({"innocents": {"people": -1}}, "innocents.people is -1, allowed"),
    ({"innocents": {"people": 1, "accounts": 7}}, "innocents.accounts is 7, allowed 1 to 6"),
    ({"poison": {"side": "z", "rate": 1}}, "poison.side is 'z', allowed a, b"),
    ({"poison": {"side": "a", "rate": 1, "members": 4}}, "poison.members is 4, allowed 1 to 3"),
    ({"poison": {"side": "a", "rate": -0.5}}, "poison.rate is -0.5, allowed 0 to 1000"),
    ({"campaigns": campaign(rate=10_000), "days": 101}, "campaigns: the rates make 1010000"),
    ({"detectors": {"shared_errors": 200}, "providers": [provider(s, false_positives={"M01": 0.01}) for s in "ab"]},
     "detectors.shared_errors is up to 200, allowed up to 100 where providers[0].false_positives add up to 0.01"),
    ({"policies": []}, "policies is [], allowed"),
    ({"policies": [{"share": "some"}]}, "policies[0].share is 'some', allowed: 'none', 'side' or 'all'"),
    ({"policies": [{"share": "all"}] * 2}, "policies: 'all-automatic' is there twice"),
    ({"policies": [{"share": "all", "need": 1}]}, "policies[0].need is 1, allowed"),
    ({"days": 7}, "days is 7, allowed: greater than or equal to 30"),
    ({"dais": 7}, "dais is no field here, allowed name, title, about, days"),
    ({"title": {"en": "only"}}, "title.zh is missing"),
)  # fmt: skip


@pytest.mark.parametrize(("more", "told"), BAD, ids=[told for _, told in BAD])
def test_a_bad_field_is_named_with_its_value_and_what_is_allowed(more: Table, told: str) -> None:
    message = refusal(raw(**more))
    assert message.startswith("scenario: ") and told in message


def test_a_policy_is_named_by_what_is_unusual_about_it() -> None:
    odd = [
        {"share": "all", "act": "corroborated", "need": n, "alone": alone} for n in (2, 3) for alone in (True, False)
    ]
    told = read_scenario(raw(policies=odd)).policies
    assert [p.name for p in told] == [
        "all-corroborated", "all-corroborated-together", "all-corroborated-3", "all-corroborated-3-together",
    ]  # fmt: skip
    assert policy_words(told[3]).en == "All share, act when 3 agree, own findings included"


def test_several_faults_are_counted() -> None:
    assert refusal(raw(days=7, dais=7)).endswith("(and 1 more)")


def test_an_empty_file_lacks_its_fields() -> None:
    assert "name is missing" in refusal(b"")


@pytest.mark.parametrize("bad", [b"a = ", b"\xff", b"[[providers]", b"a = 1\na = 2", b"x" * (MOST_BYTES + 1)])
def test_what_is_not_toml_is_bad_bytes(bad: bytes) -> None:
    with pytest.raises(FormatError):
        read_scenario(bad)


def test_infinity_is_refused_as_a_number() -> None:
    endless = raw(providers=[provider("a", capacity="X")]).replace(b'"X"', b"inf")
    assert "capacity is inf, allowed a number" in refusal(endless)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*Scenario.model_fields, "other"]), anything)
def test_whatever_stands_in_a_field_it_is_a_scenario_or_a_known_error(name: str, value: Any) -> None:
    try:
        parse_scenario(table() | {name: value})
    except TocsinError as error:
        assert re.match("scenario: ", str(error))


def test_the_helper_writes_what_toml_reads() -> None:
    assert tomllib.loads(raw().decode()) == table()
