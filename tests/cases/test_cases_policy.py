"""A member's policy: what gives which verdict, what never does, and that every word is there twice."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tocsin.cases import VERDICTS, Chance, Evidence, Lead, Policy, parse_policy, starter_policy, starter_text
from tocsin.cases.policy import Clause, FindingIs, HintIs, ProbabilityIs, When
from tocsin.forms import ConfigError
from tocsin.standard import Bilingual, Standard

CHINESE = re.compile("[\u4e00-\u9fff]")
REASON = {"en": "Because", "zh": "因为"}


@dataclass(frozen=True)
class Found:
    kind: str = "M03"
    severity: int = 3
    score: float = 0.8
    detector: str = "rules"
    rule: str | None = "M03.a"
    role: str = "user"


def policy(*clauses: dict[str, Any], **more: Any) -> Policy:
    return parse_policy(yaml.safe_dump({"name": "p", "clauses": list(clauses), **more}, allow_unicode=True).encode())


def clause(verdict: str, name: str = "c", /, **when: Any) -> dict[str, Any]:
    return {"id": name, "verdict": verdict, "when": when, "reason": REASON}


def chance(score: float, role: str = "user", unheard: float | None = None, **kinds: float) -> Chance:
    return Chance(role, score, kinds or {"M03": score}, None if unheard is None else chance(unheard, role))


def verdict(made: Policy, *findings: Found, chances: tuple[Chance, ...] = (), leads: tuple[Lead, ...] = ()) -> str:
    return made.decide(Evidence(findings, chances, leads), {}).verdict


def test_nothing_found_is_allowed_with_a_reason_in_both_languages() -> None:
    decided = starter_policy().decide(Evidence((), (chance(0.01),)), {})
    assert (decided.verdict, decided.clauses, decided.kinds) == ("allow", (), ())
    assert decided.reasons.en and CHINESE.search(decided.reasons.zh)


@pytest.mark.parametrize(
    ("asked", "found", "fits"),
    [
        ({"kinds": ["M03"]}, Found(), True),
        ({"kinds": ["M01"]}, Found(), False),
        ({"severity": 4}, Found(), False),
        ({"score": 0.9}, Found(), False),
        ({"score": 0.8}, Found(), True),
        ({"rules": ["M03.b"]}, Found(), False),
        ({"not_rules": ["M03.a"]}, Found(), False),
        ({"detectors": ["classifier"]}, Found(), False),
        ({"roles": ["assistant"]}, Found(), False),
        ({}, Found(detector="fingerprint", rule=None), False),
    ],
)
def test_a_finding_is_asked_for_by_what_it_is(asked: dict[str, Any], found: Found, fits: bool) -> None:
    assert verdict(policy(clause("review", finding=asked)), found) == ("review" if fits else "allow")


def test_everything_under_when_must_be_there() -> None:
    both = policy(clause("block", finding={}, probability={"at_least": 0.5}))
    assert verdict(both, Found()) == "allow"
    assert verdict(both, chances=(chance(0.9),)) == "allow"
    assert verdict(both, Found(), chances=(chance(0.9),)) == "block"


def test_the_gravest_clause_counts_wherever_it_stands() -> None:
    mixed = policy(clause("review", "a", finding={}), clause("block", "b", finding={"severity": 4}))
    assert verdict(mixed, Found()) == "review"
    decided = mixed.decide(Evidence((Found(), Found("M05", 5)), ()), {})
    assert (decided.verdict, decided.clauses, decided.kinds) == ("block", ("b",), ("M05",))


def test_a_probability_may_be_of_kinds_and_roles() -> None:
    local = policy(clause("review", probability={"at_least": 0.6, "kinds": ["L-selfharm", "L-hate"]}))
    shares = {"L-selfharm": 0.4, "L-hate": 0.3, "M03": 0.2}
    assert verdict(local, chances=(Chance("user", 0.1, shares),)) == "review"
    assert verdict(local, chances=(Chance("assistant", 0.1, shares),)) == "allow"
    decided = local.decide(Evidence((), (Chance("user", 0.1, shares),)), {})
    assert decided.kinds == ("L-selfharm",)


def test_a_policy_that_blocks_on_hints_alone_is_refused() -> None:
    for when in ({"alarm": {}}, {"lead": {}}, {"alarm": {}, "lead": {}}):
        with pytest.raises(ConfigError, match="alone never blocks"):
            policy(clause("block", **when))
        assert policy(clause("review", **when))


def test_an_alarm_that_raises_a_probability_does_not_block_by_it() -> None:
    """The attack: somebody issues an alarm with the text of honest requests, so that rivals' users are blocked."""
    blocks = policy(clause("block", probability={"at_least": 0.8}), clause("review", "r", alarm={}))
    alarm = Found(detector="fingerprint", rule=None, score=0.95)
    assert verdict(blocks, alarm, chances=(chance(0.95, unheard=0.1),)) == "review"
    assert verdict(blocks, alarm, chances=(chance(0.95, unheard=0.85),)) == "block"


HINTS = st.lists(st.builds(Found, kind=st.sampled_from(["M01", "M03"]), severity=st.just(3), score=st.floats(0, 1),
                           detector=st.just("fingerprint"), rule=st.none()), max_size=4)  # fmt: skip
CONDITION = st.fixed_dictionaries(
    {},
    optional={
        "finding": st.just({}),
        "probability": st.fixed_dictionaries({"at_least": st.floats(0.2, 1)}),
        "alarm": st.just({}),
        "lead": st.just({}),
    },
)


@given(HINTS, st.booleans(), st.floats(0, 1), CONDITION, CONDITION)
def test_hints_alone_never_block_whatever_the_policy(
    alarms: list[Found], led: bool, raised: float, first: dict[str, Any], second: dict[str, Any]
) -> None:
    clauses = [clause("block", str(n), **when) for n, when in enumerate((first, second))]
    try:
        made = policy(*clauses)
    except ConfigError:
        return
    leads = (Lead("M03"),) if led else ()
    assert verdict(made, *alarms, chances=(chance(raised, unheard=0.1),), leads=leads) != "block"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_clause_without_a_reason_in_both_languages_is_refused(lang: str) -> None:
    half = clause("review", finding={}) | {"reason": {k: v for k, v in REASON.items() if k != lang}}
    with pytest.raises(ConfigError, match=f"reason.{lang}"):
        policy(half)
    with pytest.raises(ConfigError, match="reason"):
        policy(clause("review", finding={}) | {"reason": {**REASON, lang: " "}})


@pytest.mark.parametrize(
    "broken",
    [
        b"name: [", b"[]", b"name: p\nclauses: 3", b"name: p\nwhat: 1", b"a: " * 3000, b"name: p\n" + b"#" * (1 << 20),
        b"name: p\nflag_from: allow", b"!!python/object/apply:os.system [ls]",
    ],
)  # fmt: skip
def test_a_broken_policy_is_refused_in_so_many_words(broken: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy(broken)
    assert caught.value.hint


def test_an_empty_when_and_a_name_twice_are_refused() -> None:
    with pytest.raises(ConfigError, match="always hold"):
        policy(clause("review"))
    with pytest.raises(ConfigError, match="same id"):
        policy(clause("review", finding={}), clause("block", finding={}))


def test_the_shipped_policy_says_all_in_both_languages(shipped: Standard) -> None:
    for each in starter_policy().clauses:
        assert each.reason.en and CHINESE.search(each.reason.zh) and not CHINESE.search(each.reason.en), each.id
        assert not each.reason.en.endswith(".") and not each.reason.zh.endswith("。"), each.id
    decided = starter_policy().decide(Evidence((Found("M05", 5, 0.95),), ()), shipped.names)
    assert decided.verdict == "block"
    assert decided.reasons.en.endswith(f"{shipped.names['M05'].en}.")
    assert decided.reasons.zh.endswith(f"{shipped.names['M05'].zh}。")


FORMS: tuple[type[BaseModel], ...] = (Policy, Clause, When, FindingIs, ProbabilityIs, HintIs)


def test_every_key_is_described_in_the_form_and_in_the_shipped_file() -> None:
    comments = "\n".join(line for line in starter_text().decode().splitlines() if line.lstrip().startswith("#"))
    for form in FORMS:
        for name, field in form.model_fields.items():
            assert field.description, (form, name)
    for form in (When, FindingIs, ProbabilityIs, HintIs):
        for name in form.model_fields:
            assert comments.count(name) >= 2, name  # once in each language


def test_a_reason_names_each_kind_once() -> None:
    names = {"M01": Bilingual(en="One", zh="一"), "M03": Bilingual(en="Three", zh="三")}
    found = (Found("M03"), Found("M01"), Found("M03"))
    decided = policy(clause("review", finding={})).decide(Evidence(found, ()), names)
    assert decided.reasons == Bilingual(en="Because: Three; One.", zh="因为：三；一。")
    assert VERDICTS == ("allow", "review", "block")
