"""Find texts that many events share, by the sketches of a whole run.

A bucket is all events that hold one sampled hash. Its core is what most of them hold. A bucket whose core is large
enough is a template, and every event that holds most of the core belongs to it, with or without the bucket's own hash.
Buckets are looked at from the one with most accounts down; an event belongs to the first template that takes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tocsin.forms import ACTIVITY, SKETCHES, digest_id

LEAST_ACCOUNTS = 5
LEAST_EVENTS = 50
CORE_SHARE = 0.6
LEAST_CORE = 3
LOOKED_AT = 8  # hashes of a sketch that are compared
MOST_POSTINGS = 4_000_000  # beyond this a fixed share of the events is looked at, chosen by their hashes

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Template:
    """Hold one template: `uses` has one row an account, ACTIVITY with measure `template`.

    `kinds` counts the events that rules of severity 2 or more spoke of, by kind, `grave` those of severity 3 or more.
    """

    id: str
    events: int
    kinds: tuple[tuple[str, int], ...]
    grave: int
    uses: pa.Table
    first_events: tuple[str, ...]  # one an account, in the order of `uses`

    @property
    def accounts(self) -> int:
        """Count the accounts that used it."""
        return len(self.uses)


@dataclass(frozen=True, slots=True)
class _Postings:
    """Shape: hash h stands in events `event[starts[h]:starts[h + 1]]`, of `reach[h]` accounts; event e holds hashes
    `held[begin[e]:begin[e + 1]]`.
    """

    hashes: NDArray[np.uint64]
    reach: Ints
    starts: Ints
    event: Ints
    begin: Ints
    held: Ints
    account: Ints


def find_templates(sketches: pa.Table, grave: pa.Array) -> list[Template]:
    """Find the templates of a run's SKETCHES, in any order of rows; most accounts first.

    A template is used by at least 5 accounts, or at least 50 times; its core is at least 3 hashes. `grave` holds the
    ids of the events that a rule of severity 3 or more spoke of.
    """
    table = _compared(sketches).sort_by([("time", "ascending"), ("event_id", "ascending")])
    table = table.append_column("grave", pc.is_in(table["event_id"], grave)).combine_chunks()
    accounts = table["account"].combine_chunks().dictionary_encode()
    account = accounts.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    postings = _postings(table["hashes"].combine_chunks(), account)
    found = _described(table, list(_clusters(postings)))
    return sorted(found, key=lambda t: (-t.accounts, -t.events, t.id))


def thin_sketches(sketches: pa.Table, total: int) -> pa.Table:
    """Cut sketches to the hashes that are compared; of a run of too many, `total`, keep a fixed share of them."""
    table = _compared(sketches)
    share = MOST_POSTINGS / max(1, total * LOOKED_AT)
    if share >= 1:
        return table
    # The smallest hash is common to most of a template's texts, so that whole templates are kept or left.
    smallest = np.asarray(pc.list_element(table["hashes"], 0))
    return table.filter(pa.array((smallest % np.uint64(1 << 20)) < np.uint64(share * (1 << 20))))


def _compared(sketches: pa.Table) -> pa.Table:
    short = pc.list_slice(sketches["hashes"], 0, LOOKED_AT)
    return sketches.set_column(sketches.schema.get_field_index("hashes"), SKETCHES.field("hashes"), short)


def _postings(lists: pa.Array, account: Ints) -> _Postings:
    event = np.repeat(np.arange(len(lists)), np.asarray(pc.list_value_length(lists)))
    hashes = np.asarray(lists.flatten())
    popular, reach = _popular(hashes, account[event])
    keep = np.isin(hashes, popular)
    event, place = event[keep], np.searchsorted(popular, hashes[keep])
    order = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=len(popular))
    held = np.bincount(event, minlength=len(lists))
    return _Postings(popular, reach, _offsets(counts), event[order], _offsets(held), place, account)


def _popular(hashes: NDArray[np.uint64], account: Ints) -> tuple[NDArray[np.uint64], Ints]:
    """Name the hashes that enough accounts or events hold, and of each how many accounts do."""
    order = np.lexsort((account, hashes))
    hashes, account = hashes[order], account[order]
    new_hash = np.ones(len(hashes), dtype=bool)
    new_hash[1:] = hashes[1:] != hashes[:-1]
    fresh = new_hash.copy()
    fresh[1:] |= account[1:] != account[:-1]
    begin = np.flatnonzero(new_hash)
    reach = np.diff(np.append(np.cumsum(fresh) - fresh, fresh.sum())[np.append(begin, len(hashes))])
    wanted = (reach >= LEAST_ACCOUNTS) | (np.diff(np.append(begin, len(hashes))) >= LEAST_EVENTS)
    return hashes[begin[wanted]], reach[wanted]


def _offsets(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _clusters(p: _Postings) -> Iterator[tuple[Ints, NDArray[np.uint64]]]:
    free = np.ones(len(p.begin) - 1, dtype=bool)
    for h in np.lexsort((p.hashes, -np.diff(p.starts), -p.reach)):
        bucket = p.event[p.starts[h] : p.starts[h + 1]]
        bucket = bucket[free[bucket]]
        if not _shared(p.account[bucket]):
            continue
        core = _core(p, bucket)
        members = _holders(p, core, free)
        if len(core) >= LEAST_CORE and _shared(p.account[members]):
            free[members] = False
            yield members, p.hashes[core]


def _shared(accounts: Ints) -> bool:
    if len(accounts) < LEAST_ACCOUNTS:
        return False
    return len(accounts) >= LEAST_EVENTS or len(np.unique(accounts)) >= LEAST_ACCOUNTS


def _core(p: _Postings, bucket: Ints) -> Ints:
    """Name the hashes that most events of a bucket hold, smallest first."""
    lengths = p.begin[bucket + 1] - p.begin[bucket]
    steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    held, counts = np.unique(p.held[np.repeat(p.begin[bucket], lengths) + steps], return_counts=True)
    return held[counts >= CORE_SHARE * len(bucket)]


def _holders(p: _Postings, core: Ints, free: NDArray[np.bool_]) -> Ints:
    """Name the events not yet taken that hold most of a core, in order."""
    buckets = [p.event[p.starts[h] : p.starts[h + 1]] for h in core]
    events, counts = np.unique(np.concatenate(buckets), return_counts=True)
    return events[free[events] & (counts >= CORE_SHARE * len(core))]


def _described(table: pa.Table, clusters: list[tuple[Ints, NDArray[np.uint64]]]) -> Iterator[Template]:
    """Describe all templates in a few passes over the events of all, for there may be many templates."""
    count = len(clusters)
    names = [digest_id("T", *(f"{int(h):016x}" for h in core)) for _, core in clusters]
    number = np.repeat(np.arange(count), [len(members) for members, _ in clusters])
    rows = table.take(np.concatenate([np.empty(0, dtype=np.int64), *(members for members, _ in clusters)]))
    rows = rows.append_column("number", pa.array(number))
    uses, kinds = _uses(rows), _kinds(rows, count)
    marks = _offsets(np.bincount(np.asarray(uses["number"]), minlength=count))
    grave = np.bincount(number, weights=np.asarray(rows["grave"]), minlength=count)
    activity = _activity(pa.array(names, pa.string()).take(uses["number"].combine_chunks()), uses)
    for i, (name, (members, _)) in enumerate(zip(names, clusters, strict=True)):
        own = slice(int(marks[i]), int(marks[i + 1]))
        firsts = tuple(uses["event_id_first"][own].to_pylist())
        yield Template(name, len(members), kinds[i], int(grave[i]), activity[own], firsts)


def _uses(rows: pa.Table) -> pa.Table:
    """Give each template and account one row, in order of both."""
    folds = [("time", "count"), ("time", "min"), ("time", "max"), ("event_id", "first")]
    uses = rows.group_by(["number", "account"], use_threads=False).aggregate(folds)
    return uses.sort_by([("number", "ascending"), ("account", "ascending")])


def _kinds(rows: pa.Table, count: int) -> list[tuple[tuple[str, int], ...]]:
    """Count each template's events by kind, most first."""
    told = rows.filter(pc.is_valid(rows["kind"])).group_by(["number", "kind"], use_threads=False)
    kinds: list[list[tuple[str, int]]] = [[] for _ in range(count)]
    for row in told.aggregate([("time", "count")]).to_pylist():
        kinds[row["number"]].append((row["kind"], row["time_count"]))
    return [tuple(sorted(each, key=lambda k: (-k[1], k[0]))) for each in kinds]


def _activity(names: pa.Array, uses: pa.Table) -> pa.Table:
    count = len(uses)
    zeros = pa.array(np.zeros(count, dtype=np.int64))
    columns = {
        "measure": pa.repeat("template", count),
        "value": names,
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
