"""One template across many accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tocsin.screen.behaviour import AccountFinding, Behaviour
from tocsin.screen.templates import LEAST_ACCOUNTS, Template

MISUSE_SHARE = 0.3  # of a template's events on which a rule spoke
DEVOTED_SHARE = 0.6  # of an account's events that are the template
LEAST_DEVOTED_EVENTS = 10
MOSTLY = 0.5  # of a template's accounts that are devoted to it
HINT = 2


@dataclass(frozen=True)
class TemplateDetector:
    """Speak of the accounts behind a template when rules speak of it, or when they came together or do nothing else.

    A template alone is no misuse: a popular prompt is shared by many, and nothing is said of it. Rules of severity 2
    are hints, and a thousand copies of one benign text that draws a hint are no more than that.
    """

    name: ClassVar[str] = "template"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account of every telling template that at least 5 accounts share."""
        for template in behaviour.templates:
            if template.accounts >= LEAST_ACCOUNTS:
                kind, severity = _gravity(template, behaviour)
                if severity >= HINT:
                    yield from self._speak(template, kind, severity)

    def _speak(self, template: Template, kind: str, severity: int) -> Iterator[AccountFinding]:
        share = sum(n for _, n in template.kinds) / template.events
        facts = f"{template.id}: accounts={template.accounts} events={template.events} rule_share={share:.2f}"
        score = min(0.95, 0.3 + 0.1 * severity + 0.01 * template.accounts)
        for use, event_id in zip(template.uses.to_pylist(), template.first_events, strict=True):
            yield AccountFinding(use["account"], use["first"], kind, severity, round(score, 2), facts, event_id)


def _gravity(template: Template, behaviour: Behaviour) -> tuple[str, int]:
    spoken = MISUSE_SHARE * template.events
    kind, count = template.kinds[0] if template.kinds else ("", 0)
    hinted = count > 0 and count >= spoken
    if hinted and template.grave >= spoken:
        return kind, 4 if template.accounts >= 2 * LEAST_ACCOUNTS else 3
    signs = _came_together(template, behaviour) + _is_devoted(template, behaviour)
    return (kind, max(HINT, 1 + signs)) if hinted else ("M13", 1 + signs)


def _came_together(template: Template, behaviour: Behaviour) -> bool:
    accounts: list[str] = template.uses["account"].to_pylist()
    return behaviour.came_together(accounts)


def _is_devoted(template: Template, behaviour: Behaviour) -> bool:
    """Say whether most accounts do hardly anything else, and that often."""
    uses = zip(template.uses["account"].to_pylist(), template.uses["events"].to_pylist(), strict=True)
    devoted: int = sum(n >= max(LEAST_DEVOTED_EVENTS, DEVOTED_SHARE * behaviour.events[account]) for account, n in uses)
    return devoted >= max(LEAST_ACCOUNTS, MOSTLY * template.accounts)
