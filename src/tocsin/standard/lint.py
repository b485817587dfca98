"""Price rules: how often the scanner hands a text to a rule's regular expressions, and what that costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tocsin.standard.load import Rule, Standard
from tocsin.standard.pack import RulePack
from tocsin.text import Folded

DEAR_WASTE = 60.0  # candidates per 1,000 texts that turn out not to match
DEAR_US = 2.0  # per text, spread over all texts
DEAR_WORST_US = 50_000.0
HOSTILE_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Price:
    """Say what a rule costs on a sample; `advice` is empty where it is cheap enough.

    Units: candidates that did not match, per 1,000 texts; microseconds per text of the sample; `us_worst_case` for one
    hostile text of 20,000 characters made of the rule's own words.
    """

    rule: str
    wasted_per_1000: float
    us_per_text: float
    us_worst_case: float
    advice: str


def price_rules(standard: Standard, pack: RulePack, folded: Folded, clock: Callable[[], float]) -> list[Price]:
    """Price every rule of a standard on a folded sample, dearest first; `clock` counts seconds."""
    texts: dict[int, list[tuple[str, Sequence[int]]]] = {}
    for line, index, among in pack.candidates(folded, None).doubtful:
        texts.setdefault(index, []).append((folded.line(line), among))
    count = max(1, len(folded.texts))
    prices = [_price(rule, texts.get(i, []), count, clock) for i, rule in enumerate(standard.rules)]
    return sorted(prices, key=lambda p: -p.us_per_text)


def _price(rule: Rule, candidates: list[tuple[str, Sequence[int]]], count: int, clock: Callable[[], float]) -> Price:
    rule.first("")  # compile before the clock runs
    start = clock()
    wasted = sum(rule.first(line, among=among) is None for line, among in candidates) * 1000 / count
    us = (clock() - start) * 1e6 / count
    start = clock()
    rule.first(hostile_text(rule))
    worst = (clock() - start) * 1e6
    signs = {
        "commonplace trigger": wasted > DEAR_WASTE,
        "slow": us > DEAR_US and wasted > 0,
        "slow on hostile text": worst > DEAR_WORST_US,
    }
    return Price(rule.id, wasted, us, worst, ", ".join(name for name, holds in signs.items() if holds))


def hostile_text(rule: Rule) -> str:
    """Repeat the rule's own positive examples, broken off just before their ends, so that it nearly matches
    everywhere.
    """
    examples = (text[:-1] for texts in rule.form.examples.positive.values() for text in texts)
    once = " ".join(examples).lower()
    return (once + " ") * (HOSTILE_CHARS // (len(once) + 1) + 1)
