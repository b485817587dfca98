"""Evaluate a classifier on labelled texts, and draw what came out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.charts.bars import Bar, draw_bars
from tocsin.flow.judging import Stage, judge_texts
from tocsin.screen.classifier import Model, Row, evaluate, gather

ALARMS = 0.01
DARK, LIGHT = "#1f4e79", "#b5651d"
_TITLES = {
    "title": {
        "en": "Recall in % at 1 % false alarms by kind; misuse in % where a probability was said",
        "zh": "误报率为1%时各类别的召回率（%）；各概率段内实际滥用占比（%）",
    },
    "recall": {"en": "{lang}: {name}, recall in %", "zh": "{lang}：{name}，召回率%"},
    "reliability": {"en": "{lang}: {name} said, % so", "zh": "{lang}：预测{name}，实际%"},
}


def evaluate_model(rows: Sequence[Row], model: Model, stage: Stage, cache: Path | None) -> dict[str, Any]:
    """Judge labelled rows and measure how well that ranks them."""
    data = gather(rows)
    alarm = {lang: scale.threshold(ALARMS) for lang, scale in model.card.scales[stage].items()}
    return {"stage": stage, "model": model.digest} | evaluate(data, judge_texts(data.texts, model, stage, cache), alarm)


def draw_evaluation(found: dict[str, Any], lang: str) -> str:
    """Draw an evaluation as SVG: recall of every kind at 1 % false alarms, and what was so where a tenth was said."""
    colours = {"en": DARK, "zh": LIGHT}
    bars = [
        Bar(_TITLES[part][lang].format(lang=told, name=name), round(100 * share), colours[told])
        for told, figures in found["languages"].items()
        for part, name, share in (*_recalls(figures), *_reliability(figures))
    ]
    return draw_bars(bars, _TITLES["title"][lang])


def _recalls(figures: dict[str, Any]) -> list[tuple[str, str, float]]:
    kinds = figures["kinds"].items()
    return [("recall", kind, group["recall_at_1%"]) for kind, group in kinds if "recall_at_1%" in group]


def _reliability(figures: dict[str, Any]) -> list[tuple[str, str, float]]:
    return [("reliability", f"{b['said']:.0%}", b["so"]) for b in figures["reliability"]]
