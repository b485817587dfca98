"""The report page."""

from datetime import UTC, datetime

from markupsafe import Markup, escape

from tocsin.charts.frame import render_page
from tocsin.charts.network import Network, draw_network
from tocsin.charts.palette import kind_key
from tocsin.charts.shown import shorten, visible
from tocsin.charts.timeline import DAY, HOUR, NARROW, WEEK, WIDE, YEAR, Timeline, draw_timeline
from tocsin.charts.words import LANGS, Said, Words, fill, in_language
from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.report import figures
from tocsin.report.campaigns import ACCOUNTS_LISTED, CASES_LISTED, KINDS_LISTED, CampaignCard
from tocsin.report.cases import CaseCard, case_cards
from tocsin.report.reasons import figures_words, reason_words
from tocsin.report.view import ReportInput, StandardView
from tocsin.report.words import WORDS

CASES_OPEN = 10
MEASURES = ("device", "client", "network", "payment", "template")
LIMITS = ("limit_intent", "limit_unseen", "limit_who")
_STEPS = {
    HOUR: "step_hour",
    6 * HOUR: "step_6_hours",
    DAY: "step_day",
    WEEK: "step_week",
    4 * WEEK: "step_4_weeks",
    YEAR: "step_year",
}


def render_report(data: ReportInput) -> str:
    """Write the whole report as one HTML file that loads nothing.

    The same input gives the same text: it holds no clock, no timing and no path.
    """
    campaigns, campaigns_left = data.campaigns
    cases, cases_left = case_cards(data.cases, data.findings)
    line = figures.kinds_over_time(data.findings)
    numbers = {c.campaign_id: c.number for c in campaigns}
    drawn = {c.number: _network_drawings(c.network, c.number) for c in campaigns if c.network}
    values: dict[str, object] = {
        "head": figures.headline(data),
        "lead": _lead(data),
        "campaigns": campaigns,
        "campaigns_left": campaigns_left,
        "cases": cases,
        "cases_left": cases_left,
        "numbers": numbers,
        "cases_open": CASES_OPEN,
        "networks": drawn,
        "campaign_why": {c.number: campaign_why(c, data.standard) for c in campaigns},
        "worst": _worst(cases, data.standard),
        "time_about": _time_about(line) if line else None,
        "series": list(line.series) if line else [],
        "timeline": _timeline_drawings(line) if line else None,
        "shown_ranks": {c.rank for c in cases},
        "data": data,
        "limits": LIMITS,
        "measures": MEASURES,
    }
    values |= _tables(data) | _tools(data.standard)
    return render_page("report.html", "tocsin.report", WORDS, WORDS["title"], values)


def _tables(data: ReportInput) -> dict[str, object]:
    rules, kinds = figures.spoken(data.findings), figures.kinds_by_severity(data.findings)
    rejects = figures.reasons(data.reject_reasons)
    return {
        "rules": rules[: figures.RULES_SHOWN],
        "rules_left": max(0, len(rules) - figures.RULES_SHOWN),
        "kinds": kinds[: figures.KINDS_SHOWN],
        "kinds_left": max(0, len(kinds) - figures.KINDS_SHOWN),
        "rejects": rejects[: figures.REASONS_SHOWN],
        "rejects_left": max(0, len(rejects) - figures.REASONS_SHOWN),
    }


def _tools(standard: StandardView) -> dict[str, object]:
    """Hand the template what it shows single values with."""
    return {
        "seen": seen,
        "reason_words": reason_words,
        "figures_words": figures_words,
        "shorten": shorten,
        "visible": visible,
        "marked": marked,
        "span": time_span,
        "when": when,
        "kind_key": kind_key,
        "kind_name": standard.kind,
        "speaker": standard.speaker,
        "accounts_listed": ACCOUNTS_LISTED,
        "cases_listed": CASES_LISTED,
        "kinds_listed": KINDS_LISTED,
    }


def _lead(data: ReportInput) -> Words:
    head = figures.headline(data)
    counts = {"rows": head.events}
    for key, n in (("lead_campaigns", head.campaigns), ("lead_cases", head.cases), ("lead_no_cases", head.findings)):
        if n:
            return fill(WORDS[key], counts | {"n": n})
    return fill(WORDS["lead_nothing"], {"n": head.events}) if head.events else WORDS["lead_none_read"]


def _worst(cases: list[CaseCard], standard: StandardView) -> Words | None:
    """Name the kind of the case ranked first."""
    if not cases or not cases[0].kinds:
        return None
    return fill(WORDS["lead_worst"], {"kind": standard.kind(cases[0].kinds[0]), "severity": cases[0].severity})


def campaign_why(card: CampaignCard, standard: StandardView) -> Said:
    """Say in one sentence what ties a campaign's accounts and what was found above all."""
    names = [standard.speaker(rule, "") for rule in card.rules] or [standard.kind(k) for k in card.kinds[:1]]
    measures = [m for m in dict.fromkeys(link.measure for link in card.links) if m in MEASURES]
    shared = [WORDS[f"shared_{m}"] for m in measures]
    values = {
        "n": len(card.accounts),
        "findings": card.findings,
        "shared": Said(_listed([s.en for s in shared]), "、".join(s.zh for s in shared)),
        "names": Said(_listed([f"“{n.en}”" for n in names]), "、".join(f"“{n.zh}”" for n in names)),
    }
    return fill(WORDS["campaign_why" if shared else "campaign_why_alone"], values)


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def _time_about(line: Timeline) -> Said:
    """Say how long one bar is."""
    step = fill(WORDS[_STEPS.get(line.step, "step_years")], {"years": line.step // YEAR})
    return fill(WORDS["time_about"], {"step": step})


def seen(words: Words) -> Said:
    """Make words from data fit to show."""
    return Said(visible(words.en), visible(words.zh))


def _network_drawings(net: Network, number: int) -> Markup:
    return Markup("").join(
        in_language(lang, draw_network(net, measure_names(lang), network_title(number, lang))) for lang in LANGS
    )


def measure_names(lang: str) -> dict[str, str]:
    """Name the measures that tie accounts, in one language."""
    return {m: getattr(WORDS[f"m_{m}"], lang) for m in MEASURES}


def network_title(number: int, lang: str) -> str:
    """Title a campaign's drawing in one language."""
    return str(getattr(fill(WORDS["network_drawn"], {"n": number}), lang))


def _timeline_drawings(line: Timeline) -> Markup:
    return Markup("").join(
        Markup('<div class="{}">{}</div>').format(
            name, in_language(lang, draw_timeline(line, form, lang, getattr(WORDS["time_head"], lang)))
        )
        for name, form in (("wide", WIDE), ("narrow", NARROW))
        for lang in LANGS
    )


def marked(excerpt: str) -> Markup:
    """Escape an excerpt and mark the span that spoke; all that is not plain to see becomes its code point."""
    before, opened, rest = excerpt.partition(MARK_OPEN)
    if not opened:
        return escape(visible(excerpt))
    span, _, after = rest.partition(MARK_CLOSE)
    parts = (_piece(before), _piece(span), _piece(after))
    return Markup("{}<mark>{}</mark>{}").format(*parts)


def _piece(text: str) -> str:
    """Show one part of an excerpt with the spaces at its ends kept."""
    inner = visible(text)
    return f"{' ' * text[:1].isspace()}{inner}{' ' * text[-1:].isspace()}" if inner else " " * bool(text)


def when(time: datetime) -> str:
    """Write a time in UTC to the minute."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def time_span(first: datetime, last: datetime) -> Markup:
    """Write a stretch of time as briefly as it can be said; only the place between its ends may break."""
    a, b = when(first), when(last)
    if a == b:
        return _unbroken(a)
    if a[:10] == b[:10]:
        return _unbroken(f"{a}–{b[11:]}")
    return _unbroken(f"{a} –") + " " + _unbroken(b)


def _unbroken(text: str) -> Markup:
    return Markup('<span class="nobr">{}</span>').format(text)
