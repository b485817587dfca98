"""What a report is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from tocsin.charts.shown import visible
from tocsin.charts.words import Said, Words
from tocsin.report.campaigns import CampaignCard, campaign_cards


@dataclass(frozen=True, slots=True)
class RuleView:
    """Hold what a report says of one rule."""

    title: Words
    severity: int


@dataclass(frozen=True, slots=True)
class StandardView:
    """Hold what a report says of the standard: its version, the names of kinds by code, rules by id, detectors by name.

    A code, id or name that is not in here is shown as it stands.
    """

    version: str
    kinds: Mapping[str, Words]
    rules: Mapping[str, RuleView]
    detectors: Mapping[str, Words] = field(default_factory=dict)

    def kind(self, code: str) -> Words:
        """Name a kind."""
        return self.kinds.get(code) or _as_it_stands(code)

    def speaker(self, rule: str | None, detector: str) -> Words:
        """Name the rule that spoke, or else the detector."""
        if rule is None:
            named = self.detectors.get(detector)
            return Said(named.en[:1].upper() + named.en[1:], named.zh) if named else _as_it_stands(detector)
        return self.rules[rule].title if rule in self.rules else _as_it_stands(rule)


def _as_it_stands(name: str) -> Said:
    shown = visible(name, 80)
    return Said(shown, shown)


@dataclass(frozen=True)
class ReportInput:
    """Hold one run's tables (FINDINGS, ACTIVITY, CASES) and counts.

    Units: `rows` is events screened, `reject_reasons` rows by reason, `sources` files read. `notes` go to the foot of
    the page.
    """

    findings: pa.Table
    activity: pa.Table
    cases: pa.Table
    reject_reasons: Mapping[str, int]
    rows: int
    sources: int
    standard: StandardView
    notes: tuple[Words, ...] = ()

    @cached_property
    def campaigns(self) -> tuple[list[CampaignCard], int]:
        """Make a card for each of the first campaigns, and count the others."""
        return campaign_cards(self.cases)
