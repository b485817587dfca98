"""Find texts that many events share, by the sketches of a whole run.

A bucket is all events that hold one sampled hash. Its core is what most of them hold. A bucket whose core is large
enough is a template, and every event that holds most of the core belongs to it, with or without the bucket's own hash.
Buckets are looked at from the one with most accounts down; an event belongs to the first template that takes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

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
_AT_ONCE = 1024  # buckets whose cores are sized together
_PARTS = 8
_NONE = -1

Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]

COMPARED = pa.schema([SKETCHES.field(n) for n in ("event_id", "account", "time", "kind", "hashes")])


@dataclass(frozen=True, slots=True)
class Template:
    """Hold one template: `uses` has one row an account, in their order: account, events, first, last, first_event.

    `kinds` counts the events that rules of severity 2 or more spoke of, by kind, `grave` those of severity 3 or more.
    """

    id: str
    events: int
    kinds: tuple[tuple[str, int], ...]
    grave: int
    uses: pa.Table

    @property
    def accounts(self) -> int:
        """Count the accounts that used it."""
        return len(self.uses)

    def activity(self) -> pa.Table:
        """Write its uses as ACTIVITY with measure `template`."""
        zeros = pa.array(np.zeros(len(self.uses), dtype=np.int64))
        columns = {
            "measure": pa.repeat("template", len(self.uses)),
            "value": pa.repeat(self.id, len(self.uses)),
            **{name: self.uses[name] for name in ("account", "events", "first", "last")},
            **dict.fromkeys(("refused", "tokens_in", "tokens_out"), zeros),
            "signed_up": pa.nulls(len(self.uses), ACTIVITY.field("signed_up").type),
        }
        return pa.table(columns, schema=ACTIVITY)


@dataclass(frozen=True, slots=True)
class _Postings:
    """Shape: hash h stands in events `event[starts[h]:starts[h + 1]]`, of `reach[h]` accounts; event e holds the hashes
    `held[e]`, of shape (events, LOOKED_AT), filled up with _NONE.
    """

    hashes: NDArray[np.uint64]
    reach: Ints
    starts: Ints
    event: Shorts
    held: Shorts
    account: Shorts


def find_templates(sketches: pa.Table, grave: pa.Array) -> list[Template]:
    """Find the templates of a run's SKETCHES, in any order of rows; most accounts first.

    A template is used by at least 5 accounts, or at least 50 times; its core is at least 3 hashes. `grave` holds the
    ids of the events that a rule of severity 3 or more spoke of.
    """
    table = _compared(sketches)
    names, account = _numbered(table["account"].combine_chunks())
    clusters = list(_clusters(_postings(table["hashes"], account)))
    members = np.concatenate([np.empty(0, dtype=np.int64), *(members for members, _ in clusters)])
    rows = table.select(["event_id", "time", "kind"]).take(pa.array(members))
    rows = rows.append_column("grave", pc.is_in(rows["event_id"], grave))
    found = _described(rows, names, account[members], clusters)
    return sorted(found, key=lambda t: (-t.accounts, -t.events, t.id))


def thin_sketches(sketches: pa.Table, total: int) -> pa.Table:
    """Cut sketches to what is compared; of a run of too many, `total`, keep a fixed share of them."""
    table = _compared(sketches)
    share = MOST_POSTINGS / max(1, total * LOOKED_AT)
    if share >= 1:
        return table
    # The smallest hash is common to most of a template's texts, so that whole templates are kept or left.
    smallest = np.asarray(pc.list_element(table["hashes"], 0))
    return table.filter(pa.array((smallest % np.uint64(1 << 20)) < np.uint64(share * (1 << 20))))


def _compared(sketches: pa.Table) -> pa.Table:
    if sketches.schema == COMPARED:  # cut already
        return sketches
    short = pc.list_slice(sketches["hashes"], 0, LOOKED_AT)
    return pa.Table.from_arrays([*(sketches[name] for name in COMPARED.names[:-1]), short], schema=COMPARED)


def _numbered(accounts: pa.Array) -> tuple[pa.Array, Shorts]:
    """Number accounts in the order of their names; return the names and the number of each row."""
    coded = accounts.dictionary_encode()
    order = pc.sort_indices(coded.dictionary)
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[np.asarray(order)] = np.arange(len(order), dtype=np.int32)
    return coded.dictionary.take(order), ranks[np.asarray(coded.indices)]


def _postings(lists: pa.ChunkedArray, account: Shorts) -> _Postings:
    lengths = np.concatenate([np.empty(0, np.int32), *(np.asarray(pc.list_value_length(c)) for c in lists.chunks)])
    hashes = np.concatenate([np.empty(0, np.uint64), *(np.asarray(c.flatten()) for c in lists.chunks)])
    event = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    place = np.full(len(hashes), _NONE, dtype=np.int32)
    part_of, parts, count = hashes.astype(np.uint8) % _PARTS, [], 0
    for part in range(_PARTS):  # a part at a time: the sort takes several times the room of what is sorted
        order = np.flatnonzero(part_of == part)
        order = order.take(np.argsort(hashes.take(order)))
        found = _popular(hashes.take(order), event.take(order), account)
        order = order[found.kept]
        place[order] = np.repeat(np.arange(count, count + len(found.hashes), dtype=np.int32), found.counts)
        count += len(found.hashes)
        parts.append((found.hashes, found.reach, found.counts, event.take(order)))
    held = np.full((len(lengths), LOOKED_AT), _NONE, dtype=np.int32)
    held[np.arange(LOOKED_AT) < lengths[:, None]] = place
    popular, reach, counts, events = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return _Postings(popular, reach, _offsets(counts), events, held, account)


class _Popular(NamedTuple):
    """Hold the hashes that enough accounts or events hold; `kept` marks their postings."""

    hashes: NDArray[np.uint64]
    reach: Ints
    counts: Ints
    kept: NDArray[np.bool_]


def _popular(hashes: NDArray[np.uint64], event: Shorts, account: Shorts) -> _Popular:
    """Select from postings in the order of their hashes."""
    starts = np.flatnonzero(_fresh(hashes))
    counts: Ints = np.diff(np.append(starts, len(hashes)))
    reach = _reach(np.repeat(np.arange(len(starts), dtype=np.int32), counts), account[event], len(starts))
    wanted = (reach >= LEAST_ACCOUNTS) | (counts >= LEAST_EVENTS)
    return _Popular(hashes[starts[wanted]], reach[wanted], counts[wanted], np.repeat(wanted, counts))


def _fresh(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the first of equal values."""
    fresh = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return fresh


def _reach(place: Shorts, account: Shorts, count: int) -> Ints:
    """Count the accounts behind each hash."""
    pairs = place.astype(np.int64) << 32
    pairs |= account
    pairs.sort()
    return np.bincount(pairs[_fresh(pairs)] >> 32, minlength=count)


def _offsets(counts: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _clusters(p: _Postings) -> Iterator[tuple[Ints, NDArray[np.uint64]]]:
    """Yield the events and the core of each template."""
    free = np.ones(len(p.held), dtype=bool)
    order = np.lexsort((p.hashes, -np.diff(p.starts), -p.reach))
    for at in range(0, len(order), _AT_ONCE):
        numbers = order[at : at + _AT_ONCE]
        sizes = _core_sizes(p, numbers, free)
        taken = np.zeros(len(p.hashes) + 1, dtype=bool)  # hashes whose buckets have changed since; the last is _NONE
        for h, size in zip(numbers.tolist(), sizes.tolist(), strict=True):
            if size < LEAST_CORE and not taken[h]:
                continue
            members, core = _cluster(p, h, free)
            if len(members):
                free[members] = False
                taken[p.held[members].ravel()] = True
                yield members, np.sort(p.hashes[core])


def _core_sizes(p: _Postings, numbers: Ints, free: NDArray[np.bool_]) -> Ints:
    """Count the hashes in the core of each bucket, those of as many events at a time."""
    counts = (p.starts[numbers + 1] - p.starts[numbers]).astype(np.int64)
    events = p.event[_ranges(p.starts[numbers], counts)]
    whose = np.repeat(np.arange(len(numbers)), counts)[free[events]]
    events, counts = events[free[events]], np.bincount(whose, minlength=len(numbers))
    begins, sizes = _offsets(counts), np.zeros(len(numbers), dtype=np.int64)
    for count in np.unique(counts[counts >= LEAST_ACCOUNTS]).tolist():
        same = np.flatnonzero(counts == count)
        own = events.take(begins[same][:, None] + np.arange(count))
        rows = p.held.take(own, axis=0).reshape(len(same), -1)  # much faster than p.held[own]
        sizes[same] = _frequent(rows, count).sum(axis=1)
    return sizes


def _frequent(rows: Shorts, events: int) -> NDArray[np.bool_]:
    """Sort the hashes of each row in place; mark once in a row each that stands for CORE_SHARE of so many events."""
    rows.sort(axis=1)
    least = int(np.ceil(CORE_SHARE * events))
    first, last = rows[:, : rows.shape[1] - least + 1], rows[:, least - 1 :]
    often: NDArray[np.bool_] = (first == last) & (first != _NONE)
    often[:, 1:] &= first[:, 1:] != first[:, :-1]
    return often


def _cluster(p: _Postings, h: int, free: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Name the events and the core of the template that a bucket leads to; none where it leads to none."""
    nothing = np.empty(0, dtype=np.int64)
    bucket = p.event[p.starts[h] : p.starts[h + 1]]
    bucket = bucket[free[bucket]]
    if not _shared(p.account[bucket]):
        return nothing, nothing
    rows = p.held.take(bucket, axis=0).reshape(1, -1)
    often = _frequent(rows, len(bucket))
    core = rows[0, : often.shape[1]][often[0]]
    if len(core) < LEAST_CORE:
        return nothing, nothing
    members = _holders(p, core, free)
    return (members, core) if _shared(p.account[members]) else (nothing, nothing)


def _shared(accounts: Shorts) -> bool:
    if len(accounts) < LEAST_ACCOUNTS:
        return False
    return len(accounts) >= LEAST_EVENTS or len(set(accounts.tolist())) >= LEAST_ACCOUNTS


def _holders(p: _Postings, core: Ints, free: NDArray[np.bool_]) -> Ints:
    """Name the events not yet taken that hold most of a core, in order."""
    events = np.sort(np.concatenate([p.event[p.starts[h] : p.starts[h + 1]] for h in core]))
    least = int(np.ceil(CORE_SHARE * len(core)))
    first = events[: len(events) - least + 1]
    held = first[first == events[least - 1 :]]
    left: Ints = held[free[held] & _fresh(held)]
    return left


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """List the numbers from each start on, so many of each."""
    return np.arange(counts.sum()) + np.repeat(starts - _offsets(counts)[:-1], counts)


def _described(
    rows: pa.Table, names: pa.Array, account: Shorts, clusters: list[tuple[Ints, NDArray[np.uint64]]]
) -> Iterator[Template]:
    """Describe all templates in a few passes over the events of all, for there may be many templates."""
    count = len(clusters)
    sizes = np.array([len(members) for members, _ in clusters], dtype=np.int64)
    number = np.repeat(np.arange(count), sizes)
    uses, marks = _uses(rows, names, number << 32 | account, count)
    kinds = _kinds(rows["kind"], number, count)
    graves = np.bincount(number, weights=np.asarray(rows["grave"]), minlength=count)
    for i, (_, core) in enumerate(clusters):
        name = digest_id("T", *(f"{int(h):016x}" for h in core))
        own = uses.slice(int(marks[i]), int(marks[i + 1] - marks[i]))
        yield Template(name, int(sizes[i]), kinds[i], int(graves[i]), own)


def _uses(rows: pa.Table, names: pa.Array, key: Ints, count: int) -> tuple[pa.Table, Ints]:
    """Give each template and account, the halves of a key, one row in their order; say where each template begins."""
    micros = np.asarray(rows["time"].cast(pa.int64()))
    order = np.lexsort((micros, key))
    key, micros = key[order], micros[order]
    starts = np.flatnonzero(np.diff(key, prepend=_NONE))
    counts = np.diff(np.append(starts, len(key)))
    first = micros[starts]
    earliest = micros == np.repeat(first, counts)
    use = np.repeat(np.arange(len(starts)), counts)
    uses = pa.table(
        {
            "account": names.take(pa.array(key[starts] & ((1 << 32) - 1))),
            "events": counts,
            "first": _times(first),
            "last": _times(micros[np.append(starts[1:], len(key)) - 1] if len(key) else micros),
            "first_event": _least_ids(rows["event_id"], order[earliest], use[earliest]),
        }
    )
    return uses, _offsets(np.bincount(key[starts] >> 32, minlength=count))


def _times(micros: Ints) -> pa.Array:
    return pa.array(micros, pa.int64()).cast(ACTIVITY.field("first").type)


def _least_ids(ids: pa.ChunkedArray, places: Ints, use: Ints) -> pa.Array:
    """Of the events of each use, given by their places, name the one whose id is least."""
    alone = np.bincount(use)[use] == 1
    tied = pa.table({"use": use[~alone], "place": places[~alone], "id": ids.take(pa.array(places[~alone]))})
    firsts = tied.sort_by([("use", "ascending"), ("id", "ascending")]).group_by("use", use_threads=False)
    chosen = firsts.aggregate([("place", "first")])
    least = np.empty(int(use.max(initial=_NONE)) + 1, dtype=np.int64)
    least[use[alone]] = places[alone]
    least[np.asarray(chosen["use"])] = np.asarray(chosen["place_first"])
    return ids.take(pa.array(least)).combine_chunks()


def _kinds(kind: pa.ChunkedArray, number: Ints, count: int) -> list[tuple[tuple[str, int], ...]]:
    """Count each template's events by kind, most first."""
    told = pa.table({"number": number, "kind": kind}).filter(pc.is_valid(kind))
    kinds: list[list[tuple[str, int]]] = [[] for _ in range(count)]
    for row in told.group_by(["number", "kind"], use_threads=False).aggregate([([], "count_all")]).to_pylist():
        kinds[row["number"]].append((row["kind"], row["count_all"]))
    return [tuple(sorted(each, key=lambda k: (-k[1], k[0]))) for each in kinds]
