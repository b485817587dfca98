"""Slow, plain references of every detector: loops over native events as dicts, nothing shared with the array code.

Each takes a run's events and a standard, and returns its findings as rows of FINDINGS without the columns that name the
detector and the standard. They are for tests and for reading: a detector means what its reference says.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tocsin.screen.reference.judges import burst, coverage, shared, template
from tocsin.screen.reference.rules import rules
from tocsin.standard import Standard

Reference = Callable[[Sequence[dict[str, Any]], Standard], list[dict[str, Any]]]

REFERENCES: Mapping[str, Reference] = {
    "rules": rules,
    "template": template,
    "shared": shared,
    "coverage": coverage,
    "burst": burst,
}

__all__ = ["REFERENCES", "Reference"]
