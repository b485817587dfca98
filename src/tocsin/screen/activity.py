"""ACTIVITY: what accounts did and shared, counted per batch and merged in any order."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import ACTIVITY

KEYS = ["measure", "value", "account"]
_SUMS = ["events", "refused", "tokens_in", "tokens_out"]
_FOLDS = [*((c, "sum") for c in _SUMS), ("first", "min"), ("last", "max"), ("signed_up", "min")]
_HOUR_US = 3_600_000_000


def count_activity(batch: pa.RecordBatch) -> pa.Table:
    """Count a batch of TRAFFIC as partial ACTIVITY: `events` are user turns; what names no account is left out."""
    named = batch.filter(pc.is_valid(batch["account"]))
    table = pa.table(
        {
            "account": named["account"],
            "events": pc.cast(pc.equal(named["role"], "user"), pa.int64()),
            "refused": pc.cast(pc.fill_null(pc.equal(named["status"], "refused"), False), pa.int64()),
            "tokens_in": pc.fill_null(named["tokens_in"], 0),
            "tokens_out": pc.fill_null(named["tokens_out"], 0),
            "first": named["time"],
            "last": named["time"],
            "signed_up": named["signed_up"],
        }
    )
    parts = [_measure(table, name, values) for name, values in _measures(named)]
    return pa.concat_tables([ACTIVITY.empty_table(), *parts])


def merge_activity(parts: Iterable[pa.Table]) -> pa.Table:
    """Merge partial ACTIVITY into one row a (measure, value, account), sorted; the order of parts does not matter."""
    table = pa.concat_tables([ACTIVITY.empty_table(), *parts])
    merged = table.group_by(KEYS).aggregate(_FOLDS)
    columns = [merged[k] for k in KEYS] + [merged[f"{column}_{how}"] for column, how in _FOLDS]
    whole = pa.Table.from_arrays(columns, schema=ACTIVITY)
    return whole.sort_by([(k, "ascending") for k in KEYS])


def _measures(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """Yield each measure with the value that every row has of it, null where it has none; an empty text is none."""
    yield "account", pa.array([""] * batch.num_rows, pa.string())
    hours = pc.cast(pc.floor_temporal(batch["time"], unit="hour"), pa.int64())
    yield "hour", pc.cast(pc.divide(hours, _HOUR_US), pa.string())
    asn, country = (pc.struct_field(batch["network"], i) for i in range(2))
    yield "network", pc.binary_join_element_wise(_filled(asn), pc.coalesce(_filled(country), "-"), "/")
    for name in ("device", "client", "payment"):
        yield name, _filled(batch[name])


def _filled(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _measure(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    present = pc.is_valid(values)
    if not pc.any(present).as_py():
        return ACTIVITY.empty_table()
    rows = table.append_column("value", values).filter(present)
    grouped = rows.group_by(["value", "account"], use_threads=False).aggregate(_FOLDS)
    measure = pa.array([name] * len(grouped), pa.string())
    columns = [measure, grouped["value"], grouped["account"], *(grouped[f"{c}_{how}"] for c, how in _FOLDS)]
    return pa.Table.from_arrays(columns, schema=ACTIVITY)
