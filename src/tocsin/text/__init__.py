"""Fold text against evasion, sketch templates, and hold fingerprints; each with its slow reference."""

from tocsin.text.bank import Fingerprints, Segment, join
from tocsin.text.bank_store import HOT, Bank, Part, add_alarms, create_bank, open_bank, remove_alarms
from tocsin.text.demands import BOUNDARY, Demand, Demands, is_lone, pack_demands
from tocsin.text.derive import Derived
from tocsin.text.fingerprint import GroupKey, hash_windows
from tocsin.text.fingerprint_thin import Crowd, common_windows, thin
from tocsin.text.fold import Folded, FoldedText, fold_batch, fold_slowly, fold_text
from tocsin.text.kernels import (
    WANT_HASHES,
    WANT_SUMS,
    are_utf8,
    class_sums,
    count_scripts,
    keep_demands,
    kernels_in_use,
    list_rows,
    meet_demands,
    sample_and_sum,
    sample_lines,
)
from tocsin.text.packed_table import fold_alone, folding_to, folding_within, not_folding_to_one
from tocsin.text.probe import MOST_WINDOWS
from tocsin.text.scanned import Scanned, scan_batch
from tocsin.text.sketch import sketch_batch, sketch_slowly
from tocsin.text.stretch import densest
from tocsin.text.windows import SAMPLED, WINDOW_BYTES, Hashes, Lines

__all__ = [
    "BOUNDARY",
    "HOT",
    "MOST_WINDOWS",
    "SAMPLED",
    "WANT_HASHES",
    "WANT_SUMS",
    "WINDOW_BYTES",
    "Bank",
    "Crowd",
    "Demand",
    "Demands",
    "Derived",
    "Fingerprints",
    "Folded",
    "FoldedText",
    "GroupKey",
    "Hashes",
    "Lines",
    "Part",
    "Scanned",
    "Segment",
    "add_alarms",
    "are_utf8",
    "class_sums",
    "common_windows",
    "count_scripts",
    "create_bank",
    "densest",
    "fold_alone",
    "fold_batch",
    "fold_slowly",
    "fold_text",
    "folding_to",
    "folding_within",
    "hash_windows",
    "is_lone",
    "join",
    "keep_demands",
    "kernels_in_use",
    "list_rows",
    "meet_demands",
    "not_folding_to_one",
    "open_bank",
    "pack_demands",
    "remove_alarms",
    "sample_and_sum",
    "sample_lines",
    "scan_batch",
    "sketch_batch",
    "sketch_slowly",
    "thin",
]
