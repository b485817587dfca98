"""Charts as files of their own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tocsin.charts.bars import Bar, draw_bars
from tocsin.charts.drawing import as_file, as_png
from tocsin.charts.fonts import Font, find_cjk_font, register
from tocsin.charts.network import Network, draw_network
from tocsin.charts.palette import KINDS, kind_key
from tocsin.charts.shown import shorten
from tocsin.charts.timeline import OTHER, WIDE, Timeline, draw_timeline
from tocsin.charts.words import LANGS, Words
from tocsin.report import figures
from tocsin.report.figures import KindRow, Spoken
from tocsin.report.page import measure_names, network_title
from tocsin.report.view import ReportInput, StandardView
from tocsin.report.words import WORDS

NETWORKS_WRITTEN = 6


def write_charts(data: ReportInput, folder: Path, *, png: bool = False) -> list[str]:
    """Write every chart as SVG in both languages, as PNG too if asked; return notes in English for the reader."""
    files, notes = chart_files(data, find_cjk_font()) if png else (drawings(data), [])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        part = folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)
    return [note.en for note in notes]


def drawings(data: ReportInput) -> Mapping[str, bytes]:
    """Draw every chart as SVG. Returns file names with their bytes."""
    drawn = ((name, lang, svg) for name, by_lang in _charts(data) for lang, svg in by_lang.items())
    return {f"{name}.{lang}.svg": svg.encode() for name, lang, svg in drawn}


def chart_files(data: ReportInput, font: Font | None) -> tuple[Mapping[str, bytes], list[Words]]:
    """Draw every chart as SVG and PNG; without a font for Chinese the Chinese PNG carries English labels, never empty
    boxes.

    Returns file names with their bytes, and notes for the reader.
    """
    if font:
        register(font)
    drawn, family = drawings(data), font.family if font else None
    files = dict(drawn)
    for name, svg in drawn.items():
        shown = svg if font else drawn[f"{name.partition('.')[0]}.en.svg"]
        files[name.replace(".svg", ".png")] = as_png(shown.decode(), family)
    return files, [] if font or not files else [WORDS["png_english"]]


def _charts(data: ReportInput) -> Iterator[tuple[str, dict[str, str]]]:
    line = figures.kinds_over_time(data.findings)
    if line is None:
        return
    yield "kinds-over-time", {lang: _timeline(line, data.standard, lang) for lang in LANGS}
    kinds = figures.kinds_by_severity(data.findings)[: figures.KINDS_SHOWN]
    yield "kinds", {lang: _kinds(kinds, data.standard, lang) for lang in LANGS}
    rules = figures.spoken(data.findings)[: figures.RULES_SHOWN]
    yield "rules", {lang: _rules(rules, data.standard, lang) for lang in LANGS}
    for card in data.campaigns[0][:NETWORKS_WRITTEN]:
        if card.network:
            yield f"campaign-{card.number:02d}", {lang: _network(card.network, card.number, lang) for lang in LANGS}


def _timeline(line: Timeline, standard: StandardView, lang: str) -> str:
    title = _title("time_head", lang)
    names = [(WORDS["other_kinds"] if kind == OTHER else standard.kind(kind), _colour(kind)) for kind in line.series]
    return as_file(
        draw_timeline(line, WIDE, lang, title),
        [(shorten(str(getattr(words, lang)), 80), colour) for words, colour in names],
    )


def _network(net: Network, number: int, lang: str) -> str:
    return as_file(draw_network(net, measure_names(lang), network_title(number, lang)))


def _title(key: str, lang: str) -> str:
    return str(getattr(WORDS[key], lang))


def _kinds(rows: Sequence[KindRow], standard: StandardView, lang: str) -> str:
    bars = [Bar(_name(standard.kind(r.kind), lang), r.total, _colour(r.kind)) for r in rows]
    return as_file(draw_bars(bars, _title("kinds_head", lang)))


def _rules(rows: Sequence[Spoken], standard: StandardView, lang: str) -> str:
    names = [_name(standard.speaker(r.rule, r.detector), lang) for r in rows]
    bars = [
        Bar(name if r.rule else f"{name} · {shorten(r.kind)}", r.count, _colour(r.kind))
        for r, name in zip(rows, names, strict=True)
    ]
    return as_file(draw_bars(bars, _title("rules_head", lang)))


def _name(words: Words, lang: str) -> str:
    return shorten(str(getattr(words, lang)), 46)


def _colour(kind: str) -> str:
    return KINDS[kind_key(kind)].light
