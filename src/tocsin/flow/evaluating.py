"""Evaluate a classifier on labelled texts, and draw what came out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.charts.bars import Bar, draw_bars
from tocsin.charts.reliability import Dot, Told, draw_reliability
from tocsin.flow.judging import Stage, judge_texts
from tocsin.screen.classifier import Model, Row, evaluate, gather

ALARMS = 0.01
DARK, LIGHT = "#1f4e79", "#b5651d"
_TITLES = {
    "title": {"en": "Recall in % at 1 % false alarms, by kind", "zh": "误报率为1%时各类别的召回率（%）"},
    "recall": {"en": "{lang}: {name}, recall in %", "zh": "{lang}：{name}，召回率%"},
    "reliability": {
        "en": "Reliability: what was said and what was so, with the texts of each tenth",
        "zh": "可靠性：预测概率与实际占比，标注各段文本数",
    },
    "said": {"en": "probability said, at even odds", "zh": "预测概率（滥用与正常等量计）"},
    "so": {"en": "share that was misuse", "zh": "实际滥用占比"},
    "lang_en": {"en": "English", "zh": "英文"},
    "lang_zh": {"en": "Chinese", "zh": "中文"},
}


def evaluate_model(rows: Sequence[Row], model: Model, stage: Stage, cache: Path | None) -> dict[str, Any]:
    """Judge labelled rows and measure how well that ranks them."""
    data = gather(rows)
    alarm = {lang: scale.threshold(ALARMS) for lang, scale in model.card.scales[stage].items()}
    return {"stage": stage, "model": model.digest} | evaluate(data, judge_texts(data.texts, model, stage, cache), alarm)


def draw_evaluation(found: dict[str, Any], lang: str) -> str:
    """Draw recall of every kind at 1 % false alarms as SVG."""
    bars = [
        Bar(_TITLES["recall"][lang].format(lang=told, name=kind), round(100 * group["recall_at_1%"]), _colour(told))
        for told, figures in found["languages"].items()
        for kind, group in figures["kinds"].items()
        if "recall_at_1%" in group
    ]
    return draw_bars(bars, _TITLES["title"][lang])


def draw_said_and_so(found: dict[str, Any], lang: str) -> str:
    """Draw the reliability diagram as SVG: a dot for every tenth of the scale that some text was judged in."""
    dots = [
        Dot(b["said"], b["so"], b["texts"], _colour(told))
        for told, figures in found["languages"].items()
        for b in figures["reliability"]
    ]
    series = tuple((_TITLES[f"lang_{told}"][lang], _colour(told)) for told in found["languages"])
    axes = Told(_TITLES["said"][lang], _TITLES["so"][lang], series)
    return draw_reliability(dots, axes, _TITLES["reliability"][lang])


def _colour(lang: str) -> str:
    return DARK if lang == "en" else LIGHT
