"""The report page of an exercise."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tocsin.charts.curves import Curve, draw_curves
from tocsin.charts.frame import render_page
from tocsin.charts.palette import LINKS, PAGE
from tocsin.charts.shown import visible
from tocsin.charts.spans import Scale, Span, draw_spans
from tocsin.charts.words import LANGS, Said, Words, fill, in_language
from tocsin.exercise.ranges import open_ranges
from tocsin.exercise.run import Result
from tocsin.exercise.scenario import MOST_LETTERS, Policy
from tocsin.exercise.summary import sensitivity
from tocsin.exercise.words import WORDS, policy_words, range_words

HEADLINE = ("all-review", "all-corroborated", "all-automatic", "side-review", "side-corroborated", "side-automatic")
STRONGEST = 8  # ranges shown
LITTLE = 0.005  # less harm averted than this is next to none
_AGE = 90
_CHANCE = 2.0  # rank correlations within so many deviations of 0 may be chance
_WIDE, _NARROW = 448, 300
_COLOURS = {"none": PAGE["soft"].light, "side": LINKS["account"].light, "all": LINKS["client"].light}
_CLASSES = {"none": "soft", "side": "l-account", "all": "l-client"}
_SECTIONS = ("plain", "worth", "time", "hangs", "compare", "read", "assumed")


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what the page says of one policy, as text that reads the same in both languages."""

    name: Said
    colour: str
    averted: str
    accounts: str
    known: str
    outside: str
    reviews: str
    left: str
    extra: str


def render_exercise(result: Result, summary: Mapping[str, Any], kinds: Mapping[str, Words]) -> str:
    """Write the report as one HTML file that loads nothing; the same result gives the same text.

    `summary` is that of the result, `kinds` names the kinds of misuse by their codes.
    """
    scenario = result.scenario
    names = {name: policy_words(policy) for name, policy in zip(result.policies, result.played, strict=True)}
    top = _headline(result)
    values: dict[str, object] = {
        "name": _seen(scenario.title),
        "about": _seen(scenario.about),
        "summary": summary,
        "sections": _SECTIONS,
        "lead": _lead(summary, top, names),
        "lead_more": _lead_more(summary, top),
        "rows": [_row(summary, policy, names) for policy in result.played],
        "counts": _counts(result),
        "worth": _spans(result, summary, "harm_averted", "worth_head", percent),
        "cost": _spans(result, summary, "accounts", "cost_head", number),
        "below": any(summary["policies"][name]["harm_averted"]["p5"] < -LITTLE for name in names),
        "curves": _curves(result),
        "curve_names": [(_row(summary, p, names), _dashed(p)) for _, p in _followed(result)],
        "time_about": _time_about(result, summary),
        "hangs": [_hangs(result, top, measure, key) for measure, key in _HANGS] if result.drawn else [],
        "hangs_about": fill(WORDS["hangs_about"], {"policy": names[top], "chance": _chance(result)}),
        "pairs": list(_pairs(summary, names)),
        "ranges": [(range_words(path, scenario), f"{r.low:g}", f"{r.high:g}") for path, r in open_ranges(scenario)],
        "kinds": [(c.kind, kinds[c.kind]) for c in scenario.campaigns],
    }
    name = _seen(scenario.title)
    title = Said(f"{WORDS['title'].en} · {name.en}", f"{WORDS['title'].zh} · {name.zh}")
    return render_page("exercise.html", "tocsin.exercise", WORDS, title, values)


def _seen(words: Words) -> Said:
    """Make words from a scenario file fit to show."""
    return Said(visible(words.en, MOST_LETTERS), visible(words.zh, MOST_LETTERS))


_HANGS = (("harm_averted", "hangs_worth"), ("accounts", "hangs_cost"))


def percent(value: float | None) -> str:
    """Write a share; below ten per cent one decimal."""
    return "–" if value is None else f"{_brief(100 * value)}%"


def number(value: float | None) -> str:
    """Write a count; below ten one decimal."""
    return "–" if value is None else _brief(value)


def _brief(value: float) -> str:
    shown = f"{value:.1f}".removesuffix(".0") if abs(value) < 9.95 else f"{value:,.0f}"
    return "0" if shown == "-0" else shown.replace("-", "−")


def _headline(result: Result) -> str:
    """Choose the policy that the page speaks of first: the most careful one that shares most."""
    return next((name for name in HEADLINE if name in result.policies), result.policies[-1])


def _lead(summary: Mapping[str, Any], top: str, names: Mapping[str, Said]) -> Said:
    worth = summary["policies"][top]["harm_averted"]["p50"]
    return fill(WORDS["lead" if worth >= LITTLE else "lead_little"], {"policy": names[top], "worth": percent(worth)})


def _lead_more(summary: Mapping[str, Any], top: str) -> list[Said]:
    averted, extra = summary["policies"][top]["harm_averted"], _gap(summary, top, "none", "accounts")
    base = number(summary["policies"]["none"]["accounts"]["p50"])
    spread = {"low": percent(averted["p5"]), "high": percent(averted["p95"])}
    accounts = {"few": number(extra["p5"]), "many": number(extra["p95"])}
    return [
        fill(WORDS["lead_cost"], {"base": base, "extra": number(extra["p50"])}),
        fill(WORDS["lead_range"], {**spread, **accounts}),
    ]


def _gap(summary: Mapping[str, Any], policy: str, against: str, measure: str) -> Mapping[str, Any]:
    """Find the difference of two policies; of a policy with itself there is none."""
    for row in summary["differences"]:
        if (row["policy"], row["against"], row["measure"]) == (policy, against, measure):
            return dict(row)
    return dict.fromkeys(("mean", "low", "high", "p5", "p50", "p95"), 0.0)


def _row(summary: Mapping[str, Any], policy: Policy, names: Mapping[str, Said]) -> Row:
    found = summary["policies"][policy.name]
    known = found["known_by_age"].get(str(_AGE))
    return Row(
        name=names[policy.name],
        colour=_CLASSES[policy.share],
        averted=_with_spread(found["harm_averted"], percent),
        accounts=_with_spread(found["accounts"], number),
        known=percent(known),
        outside=percent(found["ends"]["outside"]),
        reviews=number(found["reviews"]["p50"]),
        left=number(100 * (1 - found["harm_averted"]["p50"])),
        extra=number(_gap(summary, policy.name, "none", "accounts")["p50"]),
    )


def _with_spread(found: Mapping[str, float | None], show: Callable[[float | None], str]) -> str:
    return f"{show(found['p50'])} ({show(found['p5'])} … {show(found['p95'])})"


def _counts(result: Result) -> list[tuple[str, int]]:
    scenario = result.scenario
    campaigns = sum(round(c.rate * scenario.days) for c in scenario.campaigns)
    return [
        ("runs", result.runs), ("campaigns", campaigns), ("days", scenario.days),
        ("providers", len(scenario.members)), ("sides", len(scenario.sides)),
    ]  # fmt: skip


def _drawn(draw: Callable[[str, bool], str]) -> Markup:
    """Draw for both languages, wide and narrow."""
    return Markup("").join(
        Markup('<div class="{}">{}</div>').format(name, in_language(lang, draw(lang, name == "wide")))
        for name in ("wide", "narrow")
        for lang in LANGS
    )


def _say(key: str, lang: str) -> str:
    return str(getattr(WORDS[key], lang))


def _spans(result: Result, summary: Mapping[str, Any], measure: str, head: str, show: Callable[[float], str]) -> Markup:
    def draw(lang: str, wide: bool) -> str:
        rows = ((p, summary["policies"][p.name][measure]) for p in result.played)
        spans = [Span(getattr(policy_words(p), lang), q["p5"], q["p50"], q["p95"], _COLOURS[p.share]) for p, q in rows]
        width = _WIDE if wide else _NARROW
        return draw_spans(spans, width, Scale(show), _say(head, lang), _say("caveat", lang))

    return _drawn(draw)


def _curves(result: Result) -> Markup:
    curves = [Curve(result.curves[i], _COLOURS[p.share], _dashed(p)) for i, p in _followed(result)]

    def draw(lang: str, wide: bool) -> str:
        size = (984, 280) if wide else (_NARROW, 200)
        return draw_curves(curves, size, _say("time_axis", lang), _say("time_head", lang), _say("caveat", lang))

    return _drawn(draw)


def _dashed(policy: Policy) -> bool:
    return policy.act == "automatic" and policy.share != "none"


def _followed(result: Result) -> Iterator[tuple[int, Policy]]:
    """Choose the policies whose curves are drawn: all but those that wait for others, which lie too close."""
    few = [(i, p) for i, p in enumerate(result.played) if p.act != "corroborated" or p.share == "none"]
    yield from few if len(few) > 1 else enumerate(result.played)


def _time_about(result: Result, summary: Mapping[str, Any]) -> Said:
    best = max(float(result.curves[i][-1]) for i, _ in _followed(result))
    return fill(WORDS["time_about"], {"days": result.scenario.days, "rest": percent(1 - best)})


def _hangs(result: Result, policy: str, measure: str, key: str) -> tuple[str, Markup]:
    rows = sensitivity(result, policy, measure)[:STRONGEST]
    colour = LINKS["template" if measure == "accounts" else "client"].light

    def draw(lang: str, wide: bool) -> str:
        spans = [
            Span(getattr(range_words(path, result.scenario), lang), min(r, 0), r, max(r, 0), colour) for path, r in rows
        ]
        scale = Scale(_correlation, -0.5, 0.5)
        width = _WIDE if wide else _NARROW
        return draw_spans(spans, width, scale, _say(key, lang), _say("caveat", lang))

    return key, _drawn(draw)


def _correlation(r: float) -> str:
    return f"{r:+.2f}".replace("-", "−") if r else "0"


def _chance(result: Result) -> str:
    return f"{_CHANCE / result.runs**0.5:.2f}"


def _pairs(summary: Mapping[str, Any], names: Mapping[str, Said]) -> Iterator[tuple[Said, str, str]]:
    """Compare sharing by all with sharing inside sides, and each careful way to act with acting at once."""
    acts = ("automatic", "corroborated", "review")
    wanted = [(f"all-{act}", f"side-{act}") for act in acts]
    wanted += [(f"{share}-{act}", f"{share}-automatic") for share in ("side", "all") for act in acts[1:]]
    for policy, against in wanted:
        if policy in names and against in names:
            said = fill(WORDS["pair"], {"policy": names[policy], "against": names[against]})
            gain, price = (_gap(summary, policy, against, measure) for measure in ("harm_averted", "accounts"))
            yield said, _with_interval(gain, 100), _with_interval(price, 1)


def _with_interval(gap: Mapping[str, Any], times: float) -> str:
    mean, low, high = (_signed(times * gap[name]) for name in ("mean", "low", "high"))
    return f"{mean} ({low} … {high})"


def _signed(value: float) -> str:
    shown = number(value)
    return shown if shown.startswith("−") or shown == "0" else f"+{shown}"
