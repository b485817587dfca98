"""Price rules: how often the scanner hands a text to a rule's regular expressions, and what that costs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.standard.load import Rule, Standard
from tocsin.standard.pack import RulePack
from tocsin.text import Folded

DEAR_CANDIDATES = 50.0  # per 1,000 texts
DEAR_US = 2.0  # per text, spread over all texts
DEAR_WORST_US = 50_000.0
HOSTILE_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Price:
    """Say what a rule costs on a sample; `advice` is empty where it is cheap enough.

    Units: microseconds per text of the sample; `us_worst_case` for one hostile text of 20,000 characters made of its
    own words.
    """

    rule: str
    candidates_per_1000: float
    us_per_text: float
    us_worst_case: float
    advice: str


def price_rules(standard: Standard, pack: RulePack, folded: Folded, clock: Callable[[], float]) -> list[Price]:
    """Price every rule of a standard on a folded sample, dearest first; `clock` counts seconds."""
    lines: dict[int, list[int]] = {}
    for line, index in pack.candidates(folded):
        lines.setdefault(index, []).append(line)
    count = max(1, len(folded.texts))
    prices = [
        _price(rule, [folded.line(n) for n in lines.get(i, [])], count, clock) for i, rule in enumerate(standard.rules)
    ]
    return sorted(prices, key=lambda p: -p.us_per_text)


def _price(rule: Rule, candidates: list[str], count: int, clock: Callable[[], float]) -> Price:
    spent = _time(rule, candidates, clock)
    worst = _time(rule, [hostile_text(rule)], clock) * 1e6
    share, us = 1000 * len(candidates) / count, spent * 1e6 / count
    signs = Counter(
        {
            "commonplace trigger": share > DEAR_CANDIDATES,
            "slow": us > DEAR_US,
            "slow on hostile text": worst > DEAR_WORST_US,
        }
    )
    return Price(rule.id, share, us, worst, ", ".join(name for name, holds in signs.items() if holds))


def hostile_text(rule: Rule) -> str:
    """Repeat the rule's own positive examples, broken off just before their ends, so that it nearly matches
    everywhere.
    """
    examples = (text[:-1] for texts in rule.form.examples.positive.values() for text in texts)
    once = " ".join(examples).lower()
    return (once + " ") * (HOSTILE_CHARS // (len(once) + 1) + 1)


def _time(rule: Rule, lines: list[str], clock: Callable[[], float]) -> float:
    start = clock()
    for line in lines:
        rule.first(line)
    return clock() - start
