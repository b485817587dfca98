"""Fold text against evasion, and sketch templates; the slow references stand beside the fast functions."""

from tocsin.text.derive import Derived
from tocsin.text.fold import Folded, FoldedText, fold_batch, fold_slowly, fold_text
from tocsin.text.sketch import sketch_batch, sketch_slowly

__all__ = [
    "Derived",
    "Folded",
    "FoldedText",
    "fold_batch",
    "fold_slowly",
    "fold_text",
    "sketch_batch",
    "sketch_slowly",
]
