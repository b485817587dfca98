"""Findings → cases → campaigns, ranked and explained in both languages; allow-lists; a member's policy for checks."""

from tocsin.cases.allow import Allowance, allowed, parse_allowances
from tocsin.cases.build import build_cases, weight_of
from tocsin.cases.policy import (
    VERDICTS,
    Chance,
    Decision,
    Evidence,
    Lead,
    Policy,
    Verdict,
    parse_policy,
    starter_policy,
    starter_text,
)
from tocsin.cases.words import BEHAVIOUR

__all__ = [
    "BEHAVIOUR",
    "VERDICTS",
    "Allowance",
    "Chance",
    "Decision",
    "Evidence",
    "Lead",
    "Policy",
    "Verdict",
    "allowed",
    "build_cases",
    "parse_allowances",
    "parse_policy",
    "starter_policy",
    "starter_text",
    "weight_of",
]
