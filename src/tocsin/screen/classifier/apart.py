"""Measure on sources that the judging model never saw: by source and by kind, for each stage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tocsin.screen.classifier.labelled import LANGUAGES, Labelled
from tocsin.screen.classifier.measures import auprc, auroc, threshold_at
from tocsin.screen.classifier.model import Model
from tocsin.screen.classifier.scales import CANDIDATES, SHARES, SPEAKS_AT
from tocsin.screen.classifier.stages import bounded
from tocsin.screen.classifier.train import STAGE_COLUMNS, VOICES_FROM, KeptApart

Floats = NDArray[np.float64]
Figures = dict[str, Any]
COMMENTS = ("hatecheck", "cold")  # texts that are no requests: their benign half is no plain benign traffic
ODDS = 1 / 3  # misuse to benign, whatever a source's size, so that areas compare
ALARMS = 0.01
SHIPPED = (ALARMS, SPEAKS_AT)
LEAST_TEXTS = 20


def measure_apart(data: Labelled, apart: KeptApart, model: Model) -> dict[str, dict[str, list[Figures]]]:
    """Measure each stage on what was kept apart, by source and by kind, with the rules heard and without.

    Misuse is ranked against the plain benign rows that the same fold kept apart; the threshold is the score that 1 %
    of those exceed. Of a benign source that was kept apart whole, the share above the threshold is given. `shipped` is
    what thresholds give that are fitted like those that ship: on the benign rows that any fold kept apart, those of
    other sources. The rules were tuned on these sources, so that only the figures without them speak of transfer.
    """
    measured = {}
    for stage in STAGE_COLUMNS:
        for name, heard in ((f"{stage}, text alone", False), (stage, True)):
            ranked = Ranked.of(data, apart, apart_harm(data, apart, model, stage, heard))
            measured[name] = {"sources": list(ranked.by_source()), "kinds": list(ranked.by_kind())}
    return measured


def apart_harm(data: Labelled, apart: KeptApart, model: Model, stage: str, heard: bool = True) -> Floats:
    """Put the raw scores of rows kept apart on the model's scale, the second stage's where they are candidates.

    Where rules are not heard, they said nothing.
    """
    raw = apart.raw.copy()
    raw[:, 0] = bounded(raw[:, 0])
    raw[:, VOICES_FROM:] *= heard
    harm, langs = np.zeros(len(apart.row)), data.langs[apart.row]
    for lang in LANGUAGES:
        rows = langs == lang
        first, second = (model.card.scales[s][lang] for s in STAGE_COLUMNS)
        harm[rows] = first.probability(raw[rows][:, STAGE_COLUMNS["first"]])
        if stage == "second":
            looked = rows & (harm > first.threshold(SHARES[CANDIDATES]))
            harm[looked] = second.probability(raw[looked][:, STAGE_COLUMNS["second"]])
    return harm


@dataclass(frozen=True)
class Ranked:
    """Hold what was kept apart with its scores, column by column."""

    harm: Floats
    sources: NDArray[np.str_]
    kinds: NDArray[np.str_]
    langs: NDArray[np.str_]
    misuse: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    fold: NDArray[np.int64]

    @classmethod
    def of(cls, data: Labelled, apart: KeptApart, harm: Floats) -> Self:
        """Put scores beside what they speak of."""
        at = apart.row
        told = data.sources[at], data.kinds[at], data.langs[at], data.misuse[at]
        return cls(harm, *told, apart.unseen, apart.fold)

    def plain(self, fold: int, lang: str) -> Floats:
        """Give the scores of the plain benign rows of a fold and language."""
        benign = ~self.misuse & ~self.unseen & ~np.isin(self.sources, COMMENTS)
        return np.asarray(self.harm[benign & (self.fold == fold) & (self.langs == lang)])

    def by_source(self) -> Iterator[Figures]:
        """Measure each source that was kept apart whole."""
        for lang in LANGUAGES:
            for fold in np.unique(self.fold).tolist():
                here = self.unseen & (self.fold == fold) & (self.langs == lang)
                benign = self.plain(fold, lang)
                for source in np.unique(self.sources[here]).tolist():
                    of = here & (self.sources == source)
                    figures = _figures(self.harm[of & self.misuse], self.harm[of & ~self.misuse], benign)
                    figures["shipped"] = {f"{share:g}": self._above(of, source, lang, share) for share in SHIPPED}
                    yield {"language": lang, "source": source} | figures

    def _above(self, of: NDArray[np.bool_], source: str, lang: str, share: float) -> Figures:
        others = ~self.misuse & (self.langs == lang) & (self.sources != source)
        found = self.harm > threshold_at(self.harm[others], share)
        sides = {"misuse": of & self.misuse, "benign": of & ~self.misuse}
        return {name: round(float(found[side].mean()), 4) for name, side in sides.items() if side.any()}

    def by_kind(self) -> Iterator[Figures]:
        """Measure recall of each kind over all unseen sources, each at its own fold's threshold."""
        for lang in LANGUAGES:
            thresholds = {fold: threshold_at(self.plain(fold, lang), ALARMS) for fold in np.unique(self.fold).tolist()}
            here = self.unseen & self.misuse & (self.langs == lang)
            found = self.harm > np.array([thresholds[f] for f in self.fold.tolist()])
            for kind in np.unique(self.kinds[here]).tolist():
                of = here & (self.kinds == kind)
                sources = np.unique(self.sources[of]).tolist()
                mean = np.mean([found[of & (self.sources == s)].mean() for s in sources])
                row = {"language": lang, "kind": kind, "texts": int(of.sum()), "sources": len(sources)}
                recall = {"recall_at_1%": float(found[of].mean()), "mean_of_sources": float(mean)}
                yield row | {name: round(value, 4) for name, value in recall.items()}


def _figures(found: Floats, unseen: Floats, benign: Floats) -> Figures:
    figures: Figures = {"misuse": len(found), "benign": len(unseen)}
    threshold = threshold_at(benign, ALARMS)
    if len(found) >= LEAST_TEXTS:
        copies = max(1, round(len(benign) * ODDS / len(found) * 10))  # weights as copies, in tenths
        harm = np.concatenate([np.repeat(found, copies), np.repeat(benign, 10)])
        misuse = np.arange(len(harm)) < copies * len(found)
        figures |= {"auprc": auprc(harm, misuse), "auroc": auroc(harm, misuse)}
        figures["recall_at_1%"] = float((found > threshold).mean())
    if len(unseen) >= LEAST_TEXTS:
        figures["false_alarms"] = float((unseen > threshold).mean())
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in figures.items()}
