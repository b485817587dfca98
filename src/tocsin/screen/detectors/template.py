"""One template across many accounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tocsin.screen.behaviour import AccountFinding, Behaviour, Places
from tocsin.screen.templates import LEAST_ACCOUNTS, Template

MISUSE_SHARE = 0.3  # of a template's events on which a rule spoke
DEVOTED_SHARE = 0.6  # of an account's events that are the template
LEAST_DEVOTED_EVENTS = 10
MOSTLY = 0.5  # of a template's accounts that are devoted to it


@dataclass(frozen=True)
class TemplateDetector:
    """Speak of the accounts behind a template when rules speak of it, or when they came together or do nothing else.

    A template alone is no misuse: a popular prompt is shared by many, and nothing is said of it. Rules of severity 2
    are hints, and a thousand copies of one benign text that draws a hint are no more than that: without another sign
    they are background, for beside the hint itself they would count the same words twice.
    """

    name: ClassVar[str] = "template"
    version: ClassVar[str] = "2"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account of every telling template that at least 5 accounts share."""
        for template, users in behaviour.users():
            if template.accounts >= LEAST_ACCOUNTS:
                kind, severity = _gravity(template, users, behaviour)
                if severity:
                    yield from self._speak(template, kind, severity)

    def _speak(self, template: Template, kind: str, severity: int) -> Iterator[AccountFinding]:
        share = sum(n for _, n in template.kinds) / template.events
        facts = f"{template.id}: accounts={template.accounts} events={template.events} rule_share={share:.2f}"
        score = min(0.95, 0.3 + 0.1 * severity + 0.01 * template.accounts)
        for use in template.uses.to_pylist():
            yield AccountFinding(
                use["account"], use["first"], kind, severity, round(score, 2), facts, use["first_event"]
            )


def _gravity(template: Template, users: Places, behaviour: Behaviour) -> tuple[str, int]:
    spoken = MISUSE_SHARE * template.events
    kind, count = template.kinds[0] if template.kinds else ("", 0)
    hinted = count > 0 and count >= spoken
    if hinted and template.grave >= spoken:
        return kind, 4 if template.accounts >= 2 * LEAST_ACCOUNTS else 3
    signs = behaviour.came_together(users) + _is_devoted(template, behaviour.asked[users])
    return (kind, 1 + signs) if hinted else ("M13", 1 + signs if signs else 0)


def _is_devoted(template: Template, asked: Places) -> bool:
    """Say whether most accounts, of which each asked so much, do hardly anything else, and that often."""
    uses = np.asarray(template.uses["events"])
    devoted = int(np.count_nonzero(uses >= np.maximum(LEAST_DEVOTED_EVENTS, DEVOTED_SHARE * asked)))
    return devoted >= max(LEAST_ACCOUNTS, MOSTLY * template.accounts)
