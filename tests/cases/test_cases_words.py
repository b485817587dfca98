"""Why a case exists, in one sentence of each language, without content or identifiers."""

import re

import pytest
from cases_tables import Row, behaviour, cases, finding, hint, names, uses
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cases import BEHAVIOUR
from tocsin.screen import BEHAVIOUR_DETECTORS, FingerprintDetector
from tocsin.standard import Standard

SECRET = "Zq7"
CHINESE = re.compile("[\u3400-\u9fff]")


def why(bells: Standard, said: list[Row], shared: list[Row] | None = None) -> tuple[str, str]:
    case = cases(bells, said, shared or [])[0]
    return case["why_en"], case["why_zh"]


def test_one_finding(bells: Standard) -> None:
    en, zh = why(bells, [finding("a")])
    assert (
        en == "Jailbreak tooling and safeguard evasion: 1 finding in 1 session, above all “Asks to ring the iron bell”."
    )
    assert zh == "越狱工具与安全护栏绕过：1 个会话中有 1 条检出项，主要是“要求敲响铁钟”。"


def test_a_campaign(bells: Standard) -> None:
    three = names(range(3))
    said = [row for a in three for row in (finding(a), finding(a, 2, session="s2"), behaviour(a, severity=3))]
    en, zh = why(bells, said, uses("device", "d", three) + uses("client", "c", three))
    assert en == (
        "Jailbreak tooling and safeguard evasion: 3 findings in 2 sessions, above all “Asks to ring the iron bell” and "
        "many accounts on one device, payment, client or network; shares a client and a device with 2 other accounts "
        "in cases."
    )
    assert zh == (
        "越狱工具与安全护栏绕过：2 个会话中有 3 条检出项，主要是“要求敲响铁钟”、"
        "多个账号共用设备、支付方式、客户端或网络；与另外 2 个已立个案的账号共用客户端、设备。"
    )


def test_two_in_a_campaign_are_one_other_account(bells: Standard) -> None:
    en, zh = why(bells, [finding("a"), finding("b")], uses("payment", "p", "ab"))
    assert en.endswith("; shares a means of payment with 1 other account in cases.")
    assert zh.endswith("；与另外 1 个已立个案的账号共用支付方式。")


def test_no_session_no_word_of_sessions(bells: Standard) -> None:
    en, zh = why(bells, [behaviour("a", severity=4)])
    assert en.startswith("Account farming, resale, stolen keys, unauthorised access resale: 1 finding, above all many")
    assert "会话" not in zh


def test_the_loudest_two_voices_are_named(bells: Standard) -> None:
    said = [hint("a", n) for n in range(9)] + [finding("a", 20), behaviour("a", "burst", 1), behaviour("a", "coverage")]
    en, _ = why(bells, said)
    assert "“Asks to ring the iron bell” and “Mentions the copper bell”." in en


@pytest.mark.parametrize("detector", [*(d.name for d in BEHAVIOUR_DETECTORS), FingerprintDetector.name, "classifier"])
def test_every_detector_has_words_in_both_languages(detector: str, bells: Standard) -> None:
    en, zh = why(bells, [behaviour("a", detector, 3)])
    assert BEHAVIOUR[detector].en in en
    assert BEHAVIOUR[detector].zh in zh


def test_a_kind_or_rule_that_the_standard_lacks_stands_as_it_is(bells: Standard) -> None:
    en, zh = why(bells, [finding("a", kind="L-x-own", rule="L-x-own.rule")])
    assert en == "L-x-own: 1 finding in 1 session, above all L-x-own.rule."
    assert zh == "L-x-own：1 个会话中有 1 条检出项，主要是L-x-own.rule。"


@given(
    st.lists(st.sampled_from([finding, hint, behaviour]), min_size=1, max_size=6),
    st.lists(st.sampled_from(["template", "device", "payment", "client", "network"]), max_size=5, unique=True),
)
def test_sentences_are_whole_and_tell_no_content_and_no_identifier(
    bells: Standard, makers: list[object], measures: list[str]
) -> None:
    three = [f"{SECRET}{n}" for n in range(3)]
    said = [finding(a, 99, evidence=SECRET) for a in three]
    said += [make(a, evidence=f"{SECRET}: x=1") for make in makers for a in three]  # type: ignore[operator]
    shared = [row for m in measures for row in uses(m, f"{SECRET}-{m}", three)]
    for case in cases(bells, said, shared):
        en, zh = case["why_en"], case["why_zh"]
        assert en.endswith(".") and zh.endswith("。") and "\n" not in en + zh
        assert SECRET not in en + zh
        assert not CHINESE.search(en) and len(CHINESE.findall(zh)) > len(re.findall("[a-z]", zh))
        assert ("; shares " in en) == ("；与另外" in zh) == bool(measures)
