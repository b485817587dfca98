"""One template across many accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tocsin.screen.behaviour import AccountFinding, Behaviour
from tocsin.screen.templates import LEAST_ACCOUNTS, Template

MISUSE_SHARE = 0.3  # of a template's events on which a rule spoke
DEVOTED_SHARE = 0.6  # of an account's events that are the template
LEAST_DEVOTED_EVENTS = 3


@dataclass(frozen=True)
class TemplateDetector:
    """Speak of the accounts behind a template when rules speak of its texts, or when the accounts came together or do nothing else.

    A template alone is no misuse: a popular prompt is shared by many, and nothing is said of it.
    """

    name: ClassVar[str] = "template"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account of every telling template that at least 5 accounts share."""
        for template in behaviour.templates:
            kind, severity = self._gravity(template, behaviour)
            if template.accounts >= LEAST_ACCOUNTS and severity > 1:
                yield from self._speak(template, kind, severity)

    def _speak(self, template: Template, kind: str, severity: int) -> Iterator[AccountFinding]:
        share = sum(n for _, n in template.kinds) / template.events
        facts = f"{template.id}: accounts={template.accounts} events={template.events} rule_share={share:.2f}"
        score = min(0.95, 0.3 + 0.1 * severity + 0.01 * template.accounts)
        for use, event_id in zip(template.uses.to_pylist(), template.first_events, strict=True):
            yield AccountFinding(use["account"], use["first"], kind, severity, round(score, 2), facts, event_id)

    def _gravity(self, template: Template, behaviour: Behaviour) -> tuple[str, int]:
        if template.kinds and template.kinds[0][1] >= MISUSE_SHARE * template.events:
            return template.kinds[0][0], 4 if template.accounts >= 2 * LEAST_ACCOUNTS else 3
        uses = template.uses.to_pylist()
        together = behaviour.came_together([u["account"] for u in uses])
        devoted = sum(map(lambda u: self._devoted(u, behaviour), uses)) >= LEAST_ACCOUNTS
        return "M13", 1 + together + devoted

    def _devoted(self, use: dict[str, object], behaviour: Behaviour) -> bool:
        events, own = use["events"], behaviour.accounts[str(use["account"])]["events"]
        assert isinstance(events, int) and isinstance(own, int)
        return events >= LEAST_DEVOTED_EVENTS and events >= DEVOTED_SHARE * own
