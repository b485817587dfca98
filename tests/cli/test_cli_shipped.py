"""Commands on the standard that ships, and the demo for real."""

import json
from pathlib import Path

import pytest
from command import Command

from tocsin.standard import Standard
from tocsin.traffic.sample import CAMPAIGNS


def test_the_kinds_are_listed_as_json(tocsin: Command, shipped: Standard) -> None:
    told = tocsin("standard", "list", "--json")
    kinds = json.loads(told.out)
    assert (told.code, told.err) == (0, "")
    assert [k["id"] for k in kinds] == [f"M{n:02}" for n in range(1, 15)]
    assert [r["id"] for k in kinds for r in k["rules"]] == [r.id for r in shipped.rules]
    assert {r["severity"] for k in kinds for r in k["rules"]} <= {1, 2, 3, 4, 5}
    assert all(k["name"].keys() == {"en", "zh"} and k["severity"] in range(1, 6) for k in kinds)


@pytest.mark.parametrize(
    ("lang", "name"), [("en", "Phishing and social engineering"), ("zh", "网络钓鱼与社会工程攻击")]
)
def test_a_kind_is_shown_in_one_language(tocsin: Command, lang: str, name: str) -> None:
    told = tocsin("standard", "show", "M02", "--lang", lang)
    assert told.code == 0 and name in told.out
    assert ("网络钓鱼" in told.out) is (lang == "zh")


def test_a_rule_is_shown_as_json(tocsin: Command, shipped: Standard) -> None:
    rule = json.loads(tocsin("standard", "show", shipped.rules[0].id, "--json").out)
    assert rule["id"] == shipped.rules[0].id
    assert {"severity", "title", "explanation", "match", "examples"} <= rule.keys()


def test_an_example_of_a_rule_is_found_by_check(tocsin: Command, shipped: Standard) -> None:
    rule = next(r for r in shipped.rules if r.id.startswith("M12."))
    told = tocsin("check", "--json", "--", rule.form.examples.positive["zh"][0])
    assert rule.id in {f["rule"] for f in json.loads(told.out)}


def demo(tocsin: Command, out: Path, *arguments: object) -> dict[str, list[str]]:
    told = tocsin("demo", "--out", out, "--json", *arguments)
    verdict: dict[str, list[str]] = json.loads(told.out)
    assert told.code == (0 if verdict["found"] == verdict["planted"] and not verdict["false"] else 1)
    return verdict


def test_the_demo_finds_all_six_and_nothing_else(tocsin: Command, tmp_path: Path) -> None:
    verdict = demo(tocsin, tmp_path)
    assert verdict == {"planted": list(CAMPAIGNS), "found": list(CAMPAIGNS), "false": []}
    assert [t["name"] for t in json.loads((tmp_path / "sample/truth.json").read_text("utf-8"))] == list(CAMPAIGNS)
    assert (tmp_path / "report.html").stat().st_size > 100_000


@pytest.mark.minutes
def test_without_one_campaign_the_demo_finds_the_other_five_and_tells_it_in_chinese(
    tocsin: Command, tmp_path: Path
) -> None:
    five = [name for name in CAMPAIGNS if name != "seat-farm"]
    told = tocsin("demo", "--out", tmp_path, "--seed", 7, "--without", "seat-farm", "--lang", "zh")
    head, *rows = [line.split("\t") for line in told.out.splitlines()]
    assert head == ["系列活动", "类别", "账号数", "结果", "情节"]
    assert [(row[0], row[3]) for row in rows] == [(name, "已发现") for name in five]
    assert "5 起系列滥用活动中发现 5 起，误报个案 0 个" in told.err and "events" not in told.err
    assert told.code == 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 21))
def test_the_demo_finds_all_six_for_every_seed(tocsin: Command, tmp_path: Path, seed: int) -> None:
    assert demo(tocsin, tmp_path, "--seed", seed) == {"planted": list(CAMPAIGNS), "found": list(CAMPAIGNS), "false": []}


@pytest.mark.soak
@pytest.mark.parametrize("name", CAMPAIGNS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_demo_finds_exactly_the_others(tocsin: Command, tmp_path: Path, seed: int, name: str) -> None:
    others = [n for n in CAMPAIGNS if n != name]
    verdict = demo(tocsin, tmp_path, "--seed", seed, "--without", name)
    assert verdict == {"planted": others, "found": others, "false": []}
