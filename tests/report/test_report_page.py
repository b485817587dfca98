"""The page: what stands in it, what can never stand in it, and that it stays the same."""

import base64
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

import pyarrow as pa
import pytest
import report_tables as tables
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.charts.words import Said
from tocsin.forms import CASES, FINDINGS
from tocsin.report import ReportInput, render_report
from tocsin.report.page import marked

HOSTILE = '</script><img src=x onerror="alert(1)">\'"&\u202e\u200b\x07{{ 7*7 }}'


class Page(HTMLParser):
    """Collect a page's tags and check that they nest."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def sample_page() -> str:
    return render_report(tables.sample())


@cache
def hostile_page() -> str:
    return render_report(hostile())


def hostile() -> ReportInput:
    """Put a hostile string wherever one can come from traffic, names or notes."""
    name = HOSTILE
    finding = tables.finding(name, "M03.investment-group", tables.START, 1, evidence=f"{name}⟦{name}⟧{name}")
    unknown = tables.finding(name, None, tables.START, 2, detector=name, kind=name)
    cases = [
        tables.case(rank, f"{rank}{name}", ["M03.x"], tables.START, case_id=name, campaign_id=name, kinds=["M03", name],
                    links=[f"device:{name}", f"{name}:{name}"],
                    why_en=name, why_zh=f"{name} zh", accounts=[name, f"{rank}"])
        for rank in (1, 2)
    ]  # fmt: skip
    return dataclasses.replace(
        tables.sample(),
        findings=pa.Table.from_pylist([finding, unknown], FINDINGS),
        cases=pa.Table.from_pylist(cases, CASES),
        reject_reasons={name: 2},
        notes=(Said(name, name),),
    )


def test_the_page_is_well_formed_in_landmarks() -> None:
    page = Page(sample_page())
    tags = [tag for tag, _ in page.tags]
    assert page.open == []
    assert [tags.count(t) for t in ("main", "nav", "h1", "footer")] == [1, 1, 1, 1]
    assert tags.count("title") == 1 + charts(page)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for t, a in page.tags if t == "a" and a["href"]} | {
        name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()
    }
    assert wanted <= set(ids)


def charts(page: Page) -> int:
    return sum(tag == "svg" and a.get("role") == "img" for tag, a in page.tags)


def test_every_chart_is_drawn_in_both_languages_and_titled() -> None:
    page = Page(sample_page())
    assert charts(page) == 2 * 4 + 4  # four networks, one timeline wide and narrow
    titles = re.findall(r"<title>([^<]+)</title>", sample_page())
    assert len(titles) == charts(page) + 1
    assert "Accounts of campaign 2 and what they share" in titles and "系列滥用活动 2 的账号及其共同特征" in titles


def test_the_same_input_gives_the_same_bytes() -> None:
    assert render_report(tables.sample()) == sample_page()


def test_order_of_rows_does_not_matter() -> None:
    data = tables.sample()
    turned = {
        n: t.take(pa.array(range(t.num_rows - 1, -1, -1)))
        for n in ("findings", "cases", "activity")
        for t in [getattr(data, n)]
    }
    assert render_report(dataclasses.replace(data, **turned)) == sample_page()


def test_nothing_is_loaded_from_anywhere() -> None:
    text = sample_page().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|url\(|@import|javascript:", text)
    for tag, attrs in Page(text).tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "use", "image", "base", "foreignobject"}
        assert not {"src", "srcset", "style", "xlink:href"} & set(attrs), (tag, attrs)
        assert not [a for a in attrs if a.startswith("on")]
        assert (attrs.get("href") or "#").startswith("#")


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_names_exactly_this_style_and_script(tag: str) -> None:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", hostile_page(), re.DOTALL)
    assert len(found) == 1
    digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
    policy = next(a["content"] for t, a in Page(hostile_page()).tags if a.get("http-equiv"))
    assert policy and f"{tag}-src 'sha256-{digest}'" in policy and policy.startswith("default-src 'none'")


def test_hostile_strings_are_inert() -> None:
    page = Page(hostile_page())
    assert page.open == []
    assert not [t for t, a in page.tags if t == "img" or "onerror" in a]
    assert [t for t, _ in page.tags].count("script") == 1
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x07]", hostile_page())
    assert "‹U+202E›" in page.text and "{{ 7*7 }}" in page.text and "<img src=x" in page.text


def test_only_the_span_is_marked() -> None:
    assert str(marked("a <b> ⟦c & d⟧ e")) == "a &lt;b&gt; <mark>c &amp; d</mark> e"
    assert str(marked("no span")) == "no span"
    assert str(marked("open ⟦end")) == "open <mark>end</mark>"


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80))
def test_marked_never_lets_markup_through(a: str, b: str, c: str) -> None:
    shown = str(marked(f"{a}⟦{b}⟧{c}"))
    assert re.sub(r"</?mark>", "", shown, count=2).count("<") == 0
    assert shown.count("<mark>") == shown.count("</mark>") == 1
    assert not [x for x in shown if x in "\u202e\u200b\r\n\t"]


def test_a_long_run_keeps_the_page_small() -> None:
    data = tables.sample()
    many = [
        tables.case(r, f"user{r}", ["M03.x"], tables.START, campaign_id=f"g{r % 900}", links=[f"device:d{r % 900}"])
        for r in range(1, 10_001)
    ]
    big = dataclasses.replace(
        data, cases=pa.Table.from_pylist(many, CASES), reject_reasons={f"r{i}": 1 for i in range(99)}
    )
    page = render_report(big)
    assert len(page) < 700_000
    assert page.count('class="case"') == 25 and page.count('class="card campaign"') == 10
    assert "890 more campaigns are not shown here" in page and "另有 890 起系列滥用活动未在此列出" in page
    assert "9,975 more cases are not shown here" in page and "79 more reasons are not shown" in page


def test_one_huge_campaign_is_drawn_in_part() -> None:
    many = [
        tables.case(r, f"user{r:05d}", ["M03.x"], tables.START, campaign_id="g", links=["device:d"])
        for r in range(1, 2_001)
    ]
    page = render_report(dataclasses.replace(tables.sample(), cases=pa.Table.from_pylist(many, CASES)))
    assert "36 of 2,000 accounts are drawn." in page and len(page) < 400_000
    assert page.count('class="case"') == 3


def sections(page: str) -> Iterator[str]:
    yield from re.findall(r'<section id="(\w+)"', page)


@pytest.mark.parametrize(
    ("rows", "said"), [(0, "没有读到任何消息记录"), (1, "the one screened event"), (120, "Nothing was found in 120")]
)
def test_nothing_found_is_said_plainly(rows: int, said: str) -> None:
    page = render_report(tables.empty(rows))
    assert said in page and Page(page).open == []
    assert list(sections(page)) == list(sections(sample_page()))
    assert charts(Page(page)) == 0


def test_findings_without_cases_and_without_evidence() -> None:
    data = tables.sample()
    bare = data.findings.set_column(12, "evidence", pa.nulls(data.findings.num_rows, pa.string()))
    page = render_report(dataclasses.replace(data, findings=bare))
    assert "no excerpt kept" in page and "<mark>" not in page
    alone = render_report(dataclasses.replace(data, cases=CASES.empty_table()))
    assert "none of which adds up to a case" in alone


def test_no_other_text_from_traffic_is_shown() -> None:
    page = Page(sample_page())
    kept = {t for pair in tables.TEXTS.values() for t in pair}
    quotes = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", sample_page())
    assert quotes and {re.sub(r"</?mark>", "", q) for q in quotes} <= {
        re.sub("[⟦⟧]", "", t).replace("'", "&#39;") for t in kept
    }
    assert "investment" in page.text


def test_a_case_without_account_and_session_shows_its_own_excerpt() -> None:
    lone = tables.case(1, "x", ["M12.x"], tables.START, accounts=[], sessions=[], excerpt="a ⟦b⟧ c")
    page = render_report(dataclasses.replace(tables.sample(), cases=pa.Table.from_pylist([lone], CASES)))
    assert "a <mark>b</mark> c" in page and "no account named" in page


def test_behaviour_shows_its_figures_not_a_quote() -> None:
    data = tables.sample()
    facts = tables.finding("x", None, tables.START, 1, detector="burst", evidence="events_in_one_hour=90 usual=4")
    case = tables.case(1, "x", ["M13.x"], tables.START)
    page = render_report(
        dataclasses.replace(
            data, findings=pa.Table.from_pylist([facts], FINDINGS), cases=pa.Table.from_pylist([case], CASES)
        )
    )
    assert "90 events in one hour · usually 4" in page and "<blockquote" not in page
