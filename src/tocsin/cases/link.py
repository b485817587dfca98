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


def campaigns_of(kind_of: Mapping[str, str], activity: pa.Table) -> Mapping[str, Link]:
    """Link accounts in cases that share a template, device, payment, client or network; return the linked ones.

    A value links when at least two of its accounts, of a client or network three, are in a case and they are at least
    half of all that have it: an office's network, which mostly others use, links nobody. `kind_of` gives each case's
    account its gravest kind.
    """
    values = _linking_values(kind_of, activity)
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


def _linking_values(kind_of: Mapping[str, str], activity: pa.Table) -> dict[Value, list[str]]:
    rows = activity.filter(pc.is_in(activity["measure"], pa.array(list(LEAST)))).select(["measure", "value", "account"])
    ours = rows.filter(pc.is_in(rows["account"], pa.array(sorted(kind_of), pa.string())))
    theirs = rows.filter(pc.is_in(rows["value"], pc.unique(ours["value"])))
    counts = theirs.group_by(["measure", "value"], use_threads=False).aggregate([("account", "count")]).to_pylist()
    total = {(r["measure"], r["value"]): r["account_count"] for r in counts}
    sharing: dict[Value, list[str]] = defaultdict(list)
    for row in ours.to_pylist():
        kind = kind_of[row["account"]] if row["measure"] in CHANCE else ""
        sharing[row["measure"], row["value"], kind].append(row["account"])
    least = {v: max(LEAST[v[0]], OWN_SHARE * total[v[:2]]) for v in sharing}
    return {v: sorted(sharing[v]) for v in sorted(sharing) if len(sharing[v]) >= least[v]}


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
