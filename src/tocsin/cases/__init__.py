"""Findings → cases → campaigns, ranked and explained in both languages; allow-lists silence what is fine."""

from tocsin.cases.allow import Allowance, allowed, parse_allowances
from tocsin.cases.build import build_cases, weight_of
from tocsin.cases.words import BEHAVIOUR

__all__ = ["BEHAVIOUR", "Allowance", "allowed", "build_cases", "parse_allowances", "weight_of"]
