"""What accounts did and shared in one batch, counted so that the counts of batches add up in any order."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import ACTIVITY

SUMS = ("events", "refused", "tokens_in", "tokens_out")
SHARED = ("client", "device", "network", "payment")
_FOLDS = [*((c, "sum") for c in SUMS), ("first", "min"), ("last", "max"), ("signed_up", "min")]
_HOUR_US = 3_600_000_000
_READ = ["account", "time", "role", "status", "tokens_in", "tokens_out", "signed_up", *SHARED]

# One row for each account, hour since 1970 and whatever it was seen with.
COUNTS = pa.schema(
    [
        pa.field("account", pa.string(), nullable=False),
        pa.field("hour", pa.int64(), nullable=False),
        *((name, pa.string()) for name in SHARED),
        *(ACTIVITY.field(name) for name, _ in _FOLDS),
    ]
)


def count_activity(batch: pa.RecordBatch) -> pa.Table:
    """Count a batch of TRAFFIC as COUNTS: `events` are user turns; what names no account is left out."""
    named = batch.select(_READ)
    if named["account"].null_count:
        named = named.filter(pc.is_valid(named["account"]))
    asn, country = (pc.struct_field(named["network"], i) for i in range(2))
    keys = {
        "account": named["account"],
        "hour": np.asarray(named["time"].cast(pa.int64())) // _HOUR_US,
        **{name: named[name] for name in SHARED if name != "network"},
        "asn": asn,
        "country": country,
    }
    rows = {
        **keys,
        "events": pc.equal(named["role"], "user").cast(pa.int64()),
        "refused": pc.fill_null(pc.equal(named["status"], "refused"), False).cast(pa.int64()),
        "tokens_in": pc.fill_null(named["tokens_in"], 0),
        "tokens_out": pc.fill_null(named["tokens_out"], 0),
        "first": named["time"],
        "last": named["time"],
        "signed_up": named["signed_up"],
    }
    counted = pa.table(rows).group_by(list(keys), use_threads=False).aggregate(_FOLDS)
    return _written(counted.rename_columns({f"{column}_{how}": column for column, how in _FOLDS}))


def add_counts(counts: Sequence[pa.Table]) -> pa.Table:
    """Add up the COUNTS of several batches."""
    whole = pa.concat_tables([COUNTS.empty_table(), *counts])
    keys = ["account", "hour", *SHARED]
    added = whole.group_by(keys, use_threads=False).aggregate(_FOLDS)
    named = added.rename_columns({f"{column}_{how}": column for column, how in _FOLDS})
    return pa.Table.from_arrays([named[name] for name in COUNTS.names], schema=COUNTS)


def _written(counted: pa.Table) -> pa.Table:
    """Write a network as one text; an empty text names nothing."""
    shared = {name: _filled(counted[name]) for name in SHARED if name != "network"}
    country = pc.coalesce(_filled(counted["country"]), pa.scalar("-"))
    shared["network"] = pc.binary_join_element_wise(_filled(counted["asn"]), country, "/")
    columns = [shared[name] if name in shared else counted[name] for name in COUNTS.names]
    return pa.Table.from_arrays(columns, schema=COUNTS)


def _filled(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
