"""Say how well scores rank labelled texts: per language, kind, family of attack and source."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.labelled import KINDS, LANGUAGES, Labelled
from tocsin.screen.classifier.measures import (
    auprc,
    auroc,
    calibration_error,
    interval,
    recall_at,
    reliability,
    threshold_at,
)

Floats = NDArray[np.float64]
Thresholds = dict[str, float]  # by language: the probability that 1 % of ordinary texts exceed
SHARES = (0.01, 0.001)
LEAST_TEXTS = 10  # fewer say nothing of a source or kind


def evaluate(data: Labelled, harm: Floats, alarm: Thresholds, seed: int = 1) -> dict[str, Any]:
    """Measure scores of labelled texts, language by language.

    `alarm` are the model's own thresholds. The parity gap is the largest difference of recall at 1 % between languages.
    """
    by_language = {}
    for lang in LANGUAGES:
        rows = data.langs == lang
        if rows.any():
            by_language[lang] = _language(data.where(rows), harm[rows], alarm[lang], seed)
    recalls = [found["recall_at_1%"]["value"] for found in by_language.values()]
    whole = [r for r in recalls if r is not None]
    return {"languages": by_language, "parity_gap": _rounded(max(whole) - min(whole)) if len(whole) > 1 else None}


def _language(data: Labelled, harm: Floats, alarm: float, seed: int) -> dict[str, Any]:
    misuse = data.misuse
    bins = reliability(harm, misuse)
    measures = {"auroc": auroc, "auprc": auprc} | {
        f"recall_at_{share:.1%}".replace(".0%", "%"): partial(recall_at, share=share) for share in SHARES
    }
    found: dict[str, Any] = {"misuse": int(misuse.sum()), "benign": int((~misuse).sum())}
    for name, measure in measures.items():
        found[name] = _measured(measure, harm, misuse, seed)
    thresholds = {f"{share:.1%}".replace(".0%", "%"): threshold_at(harm[~misuse], share) for share in SHARES}
    return found | {
        "thresholds": {name: _rounded(value) for name, value in thresholds.items()},
        "model_threshold": {
            "value": _rounded(alarm),
            "recall": _share(harm[misuse] > alarm),
            "false_alarms": _share(harm[~misuse] > alarm),
        },
        "calibration_error": _rounded(calibration_error(bins)),
        "reliability": [{"said": _rounded(b.said), "so": _rounded(b.so), "texts": b.texts} for b in bins],
        "sources": _groups(data.sources, data, harm, thresholds["1%"]),
        "families": _groups(data.families, data, harm, thresholds["1%"]),
        "kinds": _groups(np.array([KINDS.get(k, "-") for k in data.kinds.tolist()]), data, harm, thresholds["1%"]),
    }


def _groups(names: NDArray[np.str_], data: Labelled, harm: Floats, threshold: float) -> dict[str, dict[str, Any]]:
    """Measure each source or kind: its misuse against all benign texts, its benign texts against the threshold."""
    groups = {}
    for name in np.unique(names[names != ""]).tolist():
        rows = names == name
        misuse, benign = rows & data.misuse, rows & ~data.misuse
        group: dict[str, Any] = {"misuse": int(misuse.sum()), "benign": int(benign.sum())}
        if group["misuse"] >= LEAST_TEXTS:
            ranked = misuse | ~data.misuse
            group["auroc"] = _rounded(auroc(harm[ranked], data.misuse[ranked]))
            group["auprc"] = _rounded(auprc(harm[ranked], data.misuse[ranked]))
            group["recall_at_1%"] = _share(harm[misuse] > threshold)
        if group["benign"] >= LEAST_TEXTS:
            group["false_alarms"] = _share(harm[benign] > threshold)
        groups[name] = group
    return groups


def _measured(measure: Any, harm: Floats, misuse: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    if not misuse.any() or misuse.all():
        return {"value": None, "low": None, "high": None}
    low, high = interval(measure, harm, misuse, seed)
    return {"value": _rounded(measure(harm, misuse)), "low": _rounded(low), "high": _rounded(high)}


def _share(mask: NDArray[np.bool_]) -> float | None:
    return _rounded(float(mask.mean())) if len(mask) else None


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
