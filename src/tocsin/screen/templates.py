"""Find texts that many events share, by the sketches of a whole run.

A bucket is all events that hold one sampled hash. Its core is what nearly all of them hold; a bucket whose core is large enough is
a template. Buckets are looked at from the one with most accounts down, and an event belongs to the first template that takes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import ACTIVITY, SKETCHES, digest_id

LEAST_ACCOUNTS = 5
LEAST_EVENTS_OF_ONE = 50
CORE_SHARE = 0.6
LEAST_CORE = 3
LOOKED_AT = 8  # hashes of a sketch that are compared
MOST_POSTINGS = 4_000_000  # beyond this a fixed share of the events is looked at, chosen by their hashes

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Template:
    """Hold one template: `uses` has one row an account, ACTIVITY with measure `template`; `kinds` counts its events by rule kind."""

    id: str
    events: int
    kinds: tuple[tuple[str, int], ...]
    uses: pa.Table
    first_events: tuple[str, ...]  # one an account, in the order of `uses`

    @property
    def accounts(self) -> int:
        """Count the accounts that used it."""
        return len(self.uses)


@dataclass(frozen=True, slots=True)
class _Postings:
    """Shape: hash h stands in events `event[starts[h]:starts[h + 1]]`; event e holds hashes `held[begin[e]:begin[e + 1]]`."""

    hashes: NDArray[np.uint64]
    starts: Ints
    event: Ints
    begin: Ints
    held: Ints
    account: Ints


def find_templates(sketches: pa.Table) -> list[Template]:
    """Find the templates of a run's SKETCHES, in any order of rows; most accounts first.

    A template is used by at least 5 accounts, or at least 50 times by one; at least 3 of the 8 compared hashes are its core.
    """
    table = _compared(sketches).sort_by([("time", "ascending"), ("event_id", "ascending")])
    accounts = table["account"].combine_chunks().dictionary_encode()
    account = accounts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    postings = _postings(table, account)
    return [_template(table, members, core) for members, core in _clusters(postings)]


def thin_sketches(sketches: pa.Table, total: int) -> pa.Table:
    """Cut sketches to the hashes that are compared, and where a run of `total` sketches is too large, keep a fixed share of them."""
    table = _compared(sketches)
    share = MOST_POSTINGS / max(1, total * LOOKED_AT)
    if share >= 1:
        return table
    # The smallest hash is common to a template's texts, so that whole templates are kept or left.
    smallest = np.asarray(pc.list_element(table["hashes"], 0))
    return table.filter(pa.array((smallest % np.uint64(1 << 20)) < np.uint64(share * (1 << 20))))


def _compared(sketches: pa.Table) -> pa.Table:
    short = pc.list_slice(sketches["hashes"], 0, LOOKED_AT)
    return sketches.set_column(sketches.schema.get_field_index("hashes"), SKETCHES.field("hashes"), short)


def _postings(table: pa.Table, account: Ints) -> _Postings:
    lists = table["hashes"].combine_chunks()
    event = np.repeat(np.arange(len(lists)), np.asarray(pc.list_value_length(lists)))
    hashes = np.asarray(lists.flatten())
    popular = _popular(hashes, account[event])
    keep = np.isin(hashes, popular)
    event, place = event[keep], np.searchsorted(popular, hashes[keep])
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=len(popular))
    held = np.bincount(event, minlength=len(lists))
    return _Postings(popular, _offsets(counts), event[order], _offsets(held), place, account)


def _popular(hashes: NDArray[np.uint64], account: Ints) -> NDArray[np.uint64]:
    order = np.lexsort((account, hashes))
    hashes, account = hashes[order], account[order]
    new_hash = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]])) if len(hashes) else np.empty(0, int)
    fresh = np.ones(len(hashes), dtype=np.int64)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (account[1:] != account[:-1])
    accounts = np.add.reduceat(fresh, new_hash) if len(new_hash) else fresh
    events = np.diff(np.append(new_hash, len(hashes)))
    wanted = (accounts >= LEAST_ACCOUNTS) | (events >= LEAST_EVENTS_OF_ONE)
    return hashes[new_hash[wanted]]


def _offsets(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _clusters(p: _Postings) -> Iterator[tuple[Ints, NDArray[np.uint64]]]:
    free = np.ones(len(p.begin) - 1, dtype=bool)
    reach = np.array([len(np.unique(p.account[p.event[a:b]])) for a, b in zip(p.starts[:-1], p.starts[1:], strict=True)])
    for h in np.lexsort((p.hashes, -np.diff(p.starts), -reach)):
        bucket = p.event[p.starts[h] : p.starts[h + 1]]
        bucket = bucket[free[bucket]]
        if not _shared(p.account[bucket]):
            continue
        core = _core(p, bucket)
        members = bucket[_holding(p, bucket, core) >= CORE_SHARE * len(core)]
        if len(core) >= LEAST_CORE and _shared(p.account[members]):
            free[members] = False
            yield np.sort(members), p.hashes[core]


def _shared(accounts: Ints) -> bool:
    return len(accounts) >= LEAST_EVENTS_OF_ONE or len(np.unique(accounts)) >= LEAST_ACCOUNTS


def _core(p: _Postings, bucket: Ints) -> Ints:
    held, counts = np.unique(_gather(p, bucket), return_counts=True)
    return held[counts >= CORE_SHARE * len(bucket)]


def _holding(p: _Postings, bucket: Ints, core: Ints) -> Ints:
    lengths = p.begin[bucket + 1] - p.begin[bucket]
    owner = np.repeat(np.arange(len(bucket)), lengths)
    return np.bincount(owner[np.isin(_gather(p, bucket), core)], minlength=len(bucket))


def _gather(p: _Postings, bucket: Ints) -> Ints:
    lengths = p.begin[bucket + 1] - p.begin[bucket]
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return p.held[np.repeat(p.begin[bucket], lengths) + steps]


def _template(table: pa.Table, members: Ints, core: NDArray[np.uint64]) -> Template:
    rows = table.take(members)
    name = digest_id("T", *(f"{int(h):016x}" for h in core))
    uses = rows.group_by("account", use_threads=False).aggregate(
        [("time", "count"), ("time", "min"), ("time", "max"), ("event_id", "first")]
    )
    uses = uses.sort_by("account")
    kinds = pc.value_counts(rows["kind"].combine_chunks().drop_null()).to_pylist()
    counted = sorted(((k["values"], k["counts"]) for k in kinds), key=lambda k: (-k[1], k[0]))
    return Template(name, len(rows), tuple(counted), _uses(name, uses), tuple(uses["event_id_first"].to_pylist()))


def _uses(name: str, uses: pa.Table) -> pa.Table:
    count = len(uses)
    zeros = pa.array([0] * count, pa.int64())
    columns = {
        "measure": pa.array(["template"] * count, pa.string()),
        "value": pa.array([name] * count, pa.string()),
        "account": uses["account"],
        "events": uses["time_count"],
        "refused": zeros,
        "tokens_in": zeros,
        "tokens_out": zeros,
        "first": uses["time_min"],
        "last": uses["time_max"],
        "signed_up": pa.nulls(count, ACTIVITY.field("signed_up").type),
    }
    return pa.table(columns, schema=ACTIVITY)
