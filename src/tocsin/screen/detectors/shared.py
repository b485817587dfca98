"""Many accounts on one device, payment, client or network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from tocsin.screen.behaviour import AccountFinding, Behaviour

LEAST = {"device": 5, "payment": 5, "client": 8, "network": 8}
TELLING = ("device", "payment")  # strangers seldom share these
USUAL_SHARE = 0.1  # a value that more of a large run's accounts have is infrastructure
LARGE_RUN = 100
SAME_SHARE = 0.5
MISUSE_SHARE = 0.3


@dataclass(frozen=True)
class SharedDetector:
    """Speak of accounts that share a rare device, payment, client or network, the graver the more else they share.

    A campus or an office shares a network and a client too; so these count only where the accounts also came together, use one
    template, or draw rule findings.
    """

    name: ClassVar[str] = "shared"
    version: ClassVar[str] = "1"

    def find(self, behaviour: Behaviour) -> Iterator[AccountFinding]:
        """Yield a finding for every account of every value that is shared enough."""
        for measure in LEAST:
            rows = behaviour.measure(measure).to_pylist()
            for value, group in groupby(rows, key=lambda r: r["value"]):
                yield from self._judge(measure, str(value), list(group), behaviour)

    def _judge(self, measure: str, value: str, uses: list[dict[str, Any]], behaviour: Behaviour) -> Iterator[AccountFinding]:
        if len(uses) < LEAST[measure] or self._usual(measure, len(uses), behaviour):
            return
        accounts = [u["account"] for u in uses]
        signs = self._signs(accounts, behaviour)
        severity = min(4, (measure in TELLING) + 1 + len(signs))
        if severity < 2:
            return
        score = min(0.95, 0.3 + 0.15 * len(signs) + 0.01 * len(uses) + 0.1 * (measure in TELLING))
        facts = f"{measure}: accounts={len(uses)} signs={'+'.join(signs) or 'none'}"
        for use in uses:
            yield AccountFinding(use["account"], use["first"], "M13", severity, round(score, 2), facts)

    def _usual(self, measure: str, count: int, behaviour: Behaviour) -> bool:
        everyone = len(behaviour.accounts)
        if everyone >= LARGE_RUN:
            return count > USUAL_SHARE * everyone
        return measure not in TELLING and count > SAME_SHARE * everyone

    def _signs(self, accounts: Sequence[str], behaviour: Behaviour) -> list[str]:
        among = set(accounts)
        templates = (len(among & set(t.uses["account"].to_pylist())) for t in behaviour.templates)
        signs = {
            "came_together": behaviour.came_together(accounts),
            "one_template": max(templates, default=0) >= SAME_SHARE * len(among),
            "misuse": sum(a in behaviour.kind_of for a in among) >= MISUSE_SHARE * len(among),
        }
        return [name for name, holds in signs.items() if holds]
