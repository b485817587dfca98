"""Link cases into campaigns by what their accounts share and hardly anybody else does."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import digest_id

LEAST = {"template": 2, "device": 2, "payment": 2, "client": 3, "network": 3}  # accounts in cases that a value links
CHANCE = ("client", "network")  # strangers may share these; so they link only accounts of the same kind
OWN_SHARE = 0.5  # of the accounts with a value, those that are in a case


@dataclass(frozen=True, slots=True)
class Link:
    """Say which campaign an account belongs to, how many it has, and the values, `measure:value`, that link it."""

    campaign: str
    reach: int
    values: tuple[str, ...]


def campaigns_of(accounts: pa.Array, kinds: pa.ChunkedArray, activity: pa.Table) -> Mapping[str, Link]:
    """Link accounts in cases that share a template, device, payment, client or network; return the linked ones.

    A value links when at least two of its accounts, of a client or network three, are in a case and they are at least
    half of all that have it: an office's network, which mostly others use, links nobody. `kinds` gives each case's
    gravest kind, `accounts` its account, null where it has none.
    """
    values = _linking_values(accounts, kinds, activity)
    group = _components(values)
    members: dict[str, list[str]] = defaultdict(list)
    for account, root in group.items():
        members[root].append(account)
    names = {root: digest_id("K", *sorted(accounts)) for root, accounts in members.items()}
    own: dict[str, set[str]] = defaultdict(set)
    for (measure, value, _), sharing in values.items():
        for account in sharing:
            own[account].add(f"{measure}:{value}")
    return {a: Link(names[root], len(members[root]), tuple(sorted(own[a]))) for a, root in group.items()}


Value = tuple[str, str, str]  # measure, value, and the kind where only accounts of one kind may be linked


def _linking_values(accounts: pa.Array, kinds: pa.ChunkedArray, activity: pa.Table) -> dict[Value, list[str]]:
    rows = activity.filter(pc.is_in(activity["measure"], pa.array(list(LEAST)))).select(["measure", "value", "account"])
    place = pc.index_in(rows["account"], accounts)
    kind = pc.if_else(pc.is_in(rows["measure"], pa.array(CHANCE)), kinds.take(place), "")
    ours = rows.append_column("kind", kind).filter(pc.is_valid(place))
    sharing = ours.group_by(["measure", "value", "kind"], use_threads=False).aggregate([("account", "list")])
    sharing = sharing.filter(pc.greater_equal(pc.list_value_length(sharing["account_list"]), min(LEAST.values())))
    total = _count(rows.filter(pc.is_in(rows["value"], pc.unique(sharing["value"]))))
    found = {(r["measure"], r["value"], r["kind"]): sorted(r["account_list"]) for r in sharing.to_pylist()}
    return {v: own for v, own in found.items() if len(own) >= max(LEAST[v[0]], OWN_SHARE * total[v[:2]])}


def _count(rows: pa.Table) -> dict[tuple[str, str], int]:
    """Count the accounts that have each value."""
    counts = rows.group_by(["measure", "value"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
    return {(r["measure"], r["value"]): r["count_all"] for r in counts}


def _components(values: Mapping[Value, list[str]]) -> dict[str, str]:
    parent: dict[str, str] = {}

    def root(account: str) -> str:
        parent.setdefault(account, account)
        while parent[account] != account:
            parent[account] = parent[parent[account]]
            account = parent[account]
        return account

    for sharing in values.values():
        first = root(sharing[0])
        for account in sharing[1:]:
            a, b = sorted((first, root(account)))
            parent[b] = first = a
    return {account: root(account) for account in parent}
