"""The report page: both languages, well-formed, loading nothing, honest in every chart."""

import re
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from exercise_scenes import lively, scenario

from tocsin.charts.words import Said
from tocsin.exercise import Result, Scenario, render_exercise, run_exercise, summarise
from tocsin.exercise.page import number, percent
from tocsin.exercise.words import POLICIES, RANGES, WHOSE, WORDS, policy_words
from tocsin.standard import Standard

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SENTENCES = {key: said for table in (WORDS, POLICIES, RANGES, WHOSE) for key, said in table.items()}
KINDS = {"M01": Said("Cyber", "网络攻击"), "M03": Said("Fraud & scams", "诈骗")}


@cache
def result() -> Result:
    return run_exercise(lively(), 1, 12)


def page(played: Result) -> str:
    return render_exercise(played, summarise(played, "d1ge57", "0.0"), KINDS)


@cache
def usual() -> str:
    return page(result())


class Parsed(HTMLParser):
    """Collect tags and texts, and check that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("said", SENTENCES.values(), ids=SENTENCES.keys())
def test_every_entry_speaks_both_languages(said: Said) -> None:
    assert said.en.strip() and not CHINESE.search(said.en + said.one)
    assert CHINESE.search(said.zh)
    assert set(re.findall(r"\{(\w+)\}", said.en)) == set(re.findall(r"\{(\w+)\}", said.zh))


def test_every_word_in_the_template_exists_and_none_is_left_over() -> None:
    template = files("tocsin.exercise").joinpath("exercise.html").read_text(encoding="utf-8")
    code = files("tocsin.exercise").joinpath("page.py").read_text(encoding="utf-8")
    named = {w for w in re.findall(r'"(\w+)"', template + code) if w in WORDS}
    built = {key for key in WORDS if key.endswith("_nav") or key.startswith("col_")}
    assert set(re.findall(r'say\("(\w+)"[,)]', template)) <= set(WORDS)
    assert named | built == set(WORDS)


def test_the_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    parsed = Parsed(usual())
    assert parsed.open == []
    tags = [tag for tag, _ in parsed.tags]
    assert [tags.count(t) for t in ("main", "nav", "h1", "footer")] == [1, 1, 1, 1]
    ids = [a["id"] for _, a in parsed.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for t, a in parsed.tags if t == "a"} <= set(ids)


def test_nothing_is_loaded_from_anywhere() -> None:
    text = usual().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|url\(|@import|javascript:", text)
    assert not {tag for tag, _ in Parsed(text).tags} & {"link", "img", "iframe", "object", "embed", "base"}


def test_every_chart_says_in_its_language_that_its_parameters_are_assumed() -> None:
    charts = re.findall(r'<div class="(en|zh)" lang="[^"]+"><svg.*?</svg></div>', usual(), re.DOTALL)
    drawn = re.findall(r'<div class="(?:en|zh)" lang="[^"]+">(<svg.*?</svg>)</div>', usual(), re.DOTALL)
    assert len(drawn) == 5 * 2 * 2  # five charts, wide and narrow, in two languages
    for lang, svg in zip(charts, drawn, strict=True):
        assert getattr(WORDS["caveat"], lang) in svg
        assert bool(CHINESE.search(svg)) is (lang == "zh")


def test_the_page_says_what_sharing_is_worth_what_it_costs_and_what_may_not_be_read() -> None:
    text, told = usual(), summarise(result(), "", "")["policies"]["all-review"]
    heading = re.findall(r"<h1>(.*?)</h1>", text)[0]
    assert percent(told["harm_averted"]["p50"]) in heading or "next to none" in heading
    for key in ("read_may", "read_not", "read_left_out", "plain_story"):
        assert WORDS[key].en in text and WORDS[key].zh in text
    for policy in lively().policies:
        said = policy_words(policy)
        assert said.en in text and said.zh in text
    assert "d1ge57" in text


def test_the_same_result_gives_the_same_page() -> None:
    assert usual() == page(run_exercise(lively(), 1, 12))


def hostile(bad: str) -> Scenario:
    return lively(title={"en": bad, "zh": bad}, about={"en": bad, "zh": bad})


def test_what_a_scenario_says_is_shown_and_never_run() -> None:
    text = page(run_exercise(hostile('</script><img src=x onerror="alert(1)">{{ 7*7 }}\u202e'), 1, 3))
    assert "<img" not in text and "{{ 7*7 }}" in text and "\u202e" not in text


def test_a_scenario_without_open_ranges_or_other_policies_still_makes_a_page() -> None:
    text = page(run_exercise(scenario(policies=[{"share": "none"}]), 1, 3))
    assert WORDS["hangs_none"].en in text and WORDS["lead_little"].zh.format(policy="互不共享") in text


def test_the_kinds_of_the_standard_name_those_of_the_scenario(shipped: Standard) -> None:
    assert shipped.names["M03"].zh in render_exercise(result(), summarise(result(), "", ""), shipped.names)


@pytest.mark.parametrize(
    ("value", "share", "count"),
    [(0.0, "0%", "0"), (0.0678, "6.8%", "0.1"), (0.0999, "10%", "0.1"), (-0.034, "−3.4%", "0"), (None, "–", "–"),
     (0.0004, "0%", "0"), (1.0, "100%", "1"), (12345.6, "1,234,560%", "12,346")],
)  # fmt: skip
def test_figures_are_written_briefly(value: float | None, share: str, count: str) -> None:
    assert (percent(value), number(value)) == (share, count)
