"""Findings → cases → campaigns, ranked, explained in both languages and decided; allow-lists silence what is fine."""

from tocsin.cases.allow import Allowance, allowed, parse_allowances
from tocsin.cases.build import build_cases, weight_of
from tocsin.cases.decisions import (
    URGENCY,
    Act,
    Actor,
    Decision,
    Effect,
    Reason,
    RefusedError,
    Seen,
    Sort,
    Standing,
    State,
    Step,
    Terms,
    has_grown,
    perform,
    standing_of,
)
from tocsin.cases.labels import EFFECTS, NO_EFFECT, REASONS, STATES
from tocsin.cases.words import BEHAVIOUR

__all__ = [
    "BEHAVIOUR",
    "EFFECTS",
    "NO_EFFECT",
    "REASONS",
    "STATES",
    "URGENCY",
    "Act",
    "Actor",
    "Allowance",
    "Decision",
    "Effect",
    "Reason",
    "RefusedError",
    "Seen",
    "Sort",
    "Standing",
    "State",
    "Step",
    "Terms",
    "allowed",
    "build_cases",
    "has_grown",
    "parse_allowances",
    "perform",
    "standing_of",
    "weight_of",
]
