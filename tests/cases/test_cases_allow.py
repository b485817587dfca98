"""Allow-lists: what they silence, until when, and how a wrong one is refused."""

from datetime import date
from pathlib import Path

import pytest
from cases_tables import GRAVE, TODAY, Row, behaviour, campaigns, cases, finding, hint, names, uses

from tocsin.cases import Allowance, parse_allowances
from tocsin.forms import ConfigError
from tocsin.standard import Standard

LATER = date(2026, 12, 31)
PAGE = Path(__file__).parents[2] / "docs" / "cases.md"


def allow(until: date = LATER, **what: str) -> Allowance:
    return Allowance(reason="known", until=until, **what)


def accounts(made: list[Row]) -> list[str]:
    return sorted(c["accounts"][0] for c in made)


def test_a_rule_an_account_and_both(bells: Standard) -> None:
    said = [finding("a"), finding("b"), finding("b", 2, rule="M12.other")]
    assert accounts(cases(bells, said, allowances=[allow(rule=GRAVE)])) == ["b"]
    assert accounts(cases(bells, said, allowances=[allow(account="b")])) == ["a"]
    both = cases(bells, said, allowances=[allow(rule=GRAVE, account="b")])
    assert sorted((*c["accounts"], c["rules"]) for c in both) == [("a", [GRAVE]), ("b", ["M12.other"])]


def test_a_template_is_silenced_where_behaviour_speaks_of_it(bells: Standard) -> None:
    def speak(template: str) -> list[Row]:
        return [behaviour("a", d, severity=4, evidence=f"{template}: accounts=6") for d in ("template", "coverage")]

    assert cases(bells, speak("T-1"), allowances=[allow(template="T-1")]) == []
    assert len(cases(bells, speak("T-12"), allowances=[allow(template="T-1")])) == 1
    assert len(cases(bells, [*speak("T-1"), finding("a")], allowances=[allow(template="T-1")])) == 1


def test_a_template_is_not_what_is_shared(bells: Standard) -> None:
    said = [behaviour("a", severity=3, evidence="device: accounts=6 signs=none")]
    assert len(cases(bells, said, allowances=[allow(template="device")])) == 1


def test_a_template_that_is_fine_links_nobody(bells: Standard) -> None:
    three = names(range(3))
    said, shared = [finding(a) for a in three], uses("template", "T-1", three)
    assert campaigns(cases(bells, said, shared)) == [three]
    assert campaigns(cases(bells, said, shared, [allow(template="T-1")])) == []
    assert campaigns(cases(bells, said, shared, [allow(template="T-1", account="acc9")])) == [three]
    assert campaigns(cases(bells, said, shared, [allow(template="T-1", until=date(2026, 3, 19))])) == [three]


def test_what_is_left_decides_whether_there_is_a_case(bells: Standard) -> None:
    said = [hint("a"), hint("a", 2, rule=GRAVE)]
    assert len(cases(bells, said)) == 1
    assert cases(bells, said, allowances=[allow(rule=GRAVE)]) == []


@pytest.mark.parametrize(("today", "silent"), [(19, True), (20, True), (21, False)])
def test_the_last_day_counts(today: int, silent: bool, bells: Standard) -> None:
    made = cases(bells, [finding("a")], allowances=[allow(account="a", until=TODAY)], today=date(2026, 3, today))
    assert (made == []) is silent


def test_the_form_that_is_shown_in_the_docs() -> None:
    shown = PAGE.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    first, second = parse_allowances(shown.encode())
    assert (first.rule, first.account, first.template) == (GRAVE, "acct-17", None)
    assert first.until == date(2026, 6, 30)
    assert second.template == "T-006fc2f85007ab1"
    assert parse_allowances(b"allow: []") == ()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "the whole"),
        (b"- a", "the whole"),
        (b"allow: 3", "allow"),
        (b"allow: [{reason: x, until: 2026-01-01}]", "name a rule, an account or a template"),
        (b"allow: [{rule: '', reason: x, until: 2026-01-01}]", "allow.0.rule"),
        (b"allow: [{rule: M12.x, reason: ' ', until: 2026-01-01}]", "allow.0.reason"),
        (b"allow: [{rule: M12.x, until: 2026-01-01}]", "allow.0.reason"),
        (b"allow: [{rule: M12.x, reason: x}]", "allow.0.until"),
        (b"allow: [{rule: M12.x, reason: x, until: soon}]", "allow.0.until"),
        (b"allow: [{rule: M12.x, reason: x, until: 2026-13-45}]", "not YAML"),
        (b"allow: [{rule: M12.x, reason: x, until: 2026-01-01, who: me}]", "allow.0.who"),
        (b"allow: [{account: 17, reason: x, until: 2026-01-01}]", "allow.0.account"),
        (b"allow: [", "not YAML"),
        (b"\xff\xfe\xff", "not YAML"),
        (b"!!python/object:os.system {}", "not YAML"),
        (b"[" * 200_000, "not YAML"),
    ],
)
def test_a_wrong_list_is_refused_by_the_place_of_the_fault(raw: bytes, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refusal:
        parse_allowances(raw)
    assert refusal.value.exit_code == 2
    assert refusal.value.hint
