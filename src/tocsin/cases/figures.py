"""What the findings of each case amount to, by columns: a run may make very many cases.

Findings come with two more columns. `case`: cases are numbered from 0, and each has findings; `row`: their own number.
A voice is a rule, or a detector.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Order = list[tuple[str, str]]

_CLEAREST: Order = [
    ("is_rule", "descending"),
    ("severity", "descending"),
    ("score", "descending"),
    ("time", "ascending"),
    ("event_id", "ascending"),
    ("voice", "ascending"),
]
_GRAVEST: Order = [("severity_max", "descending"), ("count_all", "descending"), ("kind", "ascending")]
_LOUDEST: Order = [("weight_sum", "descending"), ("voice", "ascending")]
_FIGURES = [("severity", "max"), ([], "count_all"), ("time", "min"), ("time", "max"), ("row", "first")]


def sum_up(findings: pa.Table) -> pa.Table:
    """Sum up FINDINGS: one row a case, in the order of their numbers.

    Columns are those of CASES that findings alone decide, save why and the excerpt; `voices`, the loudest first; and
    `clearest`, the `row` of the finding that speaks clearest.
    """
    said = _sorted(_told(findings), _CLEAREST)
    figures = _folded(said, ["case"], _FIGURES).drop_columns("case")
    kinds = _sorted(_folded(said, ["case", "kind"], [("severity", "max"), ([], "count_all")]), _GRAVEST)
    voices = _sorted(_folded(said, ["case", "voice"], [("doubt", "min"), ("weight", "sum")]), _LOUDEST)
    doubt = _folded(voices, ["case"], [("doubt_min", "product")])["doubt_min_product"]
    columns = {
        **dict(zip(("severity", "findings", "first", "last", "clearest"), figures.columns, strict=True)),
        "strength": pc.subtract(1.0, doubt),  # the chance that not every voice errs, each by its surest finding
        "kinds": _lists(kinds, "kind", len(figures)),
        "voices": _lists(voices, "voice", len(figures)),
        **{f"{name}s": _lists(_different(said, name), name, len(figures)) for name in ("session", "rule")},
    }
    return pa.table(columns)


def _told(findings: pa.Table) -> pa.Table:
    """Add what the figures are made from."""
    more = {
        "is_rule": pc.is_valid(findings["rule"]),
        "voice": pc.coalesce(findings["rule"], findings["detector"]),
        "doubt": pc.subtract(1.0, findings["score"].cast(pa.float64())),
        "weight": pc.power(10, findings["severity"].cast(pa.int64())),
    }
    return pa.table({**{name: findings[name] for name in findings.column_names}, **more})


def _different(said: pa.Table, column: str) -> pa.Table:
    """Name the different values of each case in their order; a null or an empty one is none."""
    named = said.filter(pc.not_equal(said[column], ""))
    return _sorted(_folded(named, ["case", column], []), [(column, "ascending")])


def _sorted(rows: pa.Table, order: Order) -> pa.Table:
    """Put the rows of each case in order."""
    return rows.sort_by([("case", "ascending"), *order])


def _folded(rows: pa.Table, keys: list[str], folds: list[Any]) -> pa.Table:
    """Fold the rows of equal keys; keys keep the order in which they first come."""
    return rows.group_by(keys, use_threads=False).aggregate(folds)


def _lists(rows: pa.Table, column: str, count: int) -> pa.ListArray:
    """List what each of so many cases has, of rows in the order of their cases."""
    ends = np.cumsum(np.bincount(np.asarray(rows["case"]), minlength=count))
    return pa.ListArray.from_arrays(np.concatenate([[0], ends]).astype(np.int32), rows[column].combine_chunks())
