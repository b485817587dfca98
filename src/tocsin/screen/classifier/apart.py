"""Measure on sources that the judging model never saw: one row a source and language for each stage."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.labelled import LANGUAGES, Labelled
from tocsin.screen.classifier.measures import auprc, auroc, threshold_at
from tocsin.screen.classifier.model import Model
from tocsin.screen.classifier.train import STAGE_COLUMNS, KeptApart

COMMENTS = ("hatecheck", "cold")  # texts that are no requests: their benign half is no plain benign traffic
ODDS = 1 / 3  # misuse to benign, whatever a source's size, so that areas compare
ALARMS = 0.01
LEAST_TEXTS = 20


def measure_apart(data: Labelled, apart: KeptApart, model: Model) -> dict[str, list[dict[str, Any]]]:
    """Measure each stage on each source that was kept apart.

    Misuse is ranked against the plain benign rows that the same fold kept apart; the threshold is the score that 1 %
    of those exceed. Of a benign source that was kept apart whole, the share above the threshold is given.
    """
    return {stage: list(_sources(data, apart, apart_harm(data, apart, model, stage))) for stage in STAGE_COLUMNS}


def apart_harm(data: Labelled, apart: KeptApart, model: Model, stage: str) -> NDArray[np.float64]:
    """Put the raw scores of rows kept apart on the model's scale."""
    harm, langs = np.zeros(len(apart.row)), data.langs[apart.row]
    for lang, scale in model.card.scales[stage].items():
        rows = langs == lang
        harm[rows] = scale.probability(apart.raw[rows][:, STAGE_COLUMNS[stage]])
    return harm


def _sources(data: Labelled, apart: KeptApart, harm: NDArray[np.float64]) -> Iterator[dict[str, Any]]:
    sources, langs, misuse = data.sources[apart.row], data.langs[apart.row], data.misuse[apart.row]
    plain = ~misuse & ~apart.unseen & ~np.isin(sources, COMMENTS)
    for lang in LANGUAGES:
        for fold in np.unique(apart.fold).tolist():
            here = (apart.fold == fold) & (langs == lang)
            benign = harm[here & plain]
            threshold = threshold_at(benign, ALARMS)
            for source in np.unique(sources[here & apart.unseen]).tolist():
                of = here & apart.unseen & (sources == source)
                yield {"language": lang, "source": source} | _figures(
                    harm[of & misuse], harm[of & ~misuse], benign, threshold
                )


def _figures(
    found: NDArray[np.float64], unseen: NDArray[np.float64], benign: NDArray[np.float64], threshold: float
) -> dict[str, Any]:
    figures: dict[str, Any] = {"misuse": len(found), "benign": len(unseen)}
    if len(found) >= LEAST_TEXTS:
        copies = max(1, round(len(benign) * ODDS / len(found) * 10))  # weights as copies, in tenths
        harm = np.concatenate([np.repeat(found, copies), np.repeat(benign, 10)])
        misuse = np.arange(len(harm)) < copies * len(found)
        figures |= {"auprc": auprc(harm, misuse), "auroc": auroc(harm, misuse)}
        figures["recall_at_1%"] = float((found > threshold).mean())
    if len(unseen) >= LEAST_TEXTS:
        figures["false_alarms"] = float((unseen > threshold).mean())
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}
