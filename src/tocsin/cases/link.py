"""Link cases into campaigns by what their accounts share and hardly anybody else does."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import digest_id

LINKING = ("template", "device", "payment", "client", "network")
OWN_SHARE = 0.5  # of the accounts with a value, those that are in a case


@dataclass(frozen=True, slots=True)
class Link:
    """Say which campaign an account belongs to, how many accounts it has, and by which values, `measure:value`, it is linked."""

    campaign: str
    reach: int
    values: tuple[str, ...]


def campaigns_of(accounts: Collection[str], activity: pa.Table) -> Mapping[str, Link]:
    """Link accounts that share a template, device, payment, client or network; return the linked ones with their campaign.

    A value links when at least two of its accounts are in a case and they are at least half of all that have it: an office's
    network, which mostly others use, links nobody.
    """
    values = _linking_values(accounts, activity)
    group = _components(values)
    members: dict[str, list[str]] = defaultdict(list)
    for account, root in group.items():
        members[root].append(account)
    names = {root: digest_id("K", *sorted(group)) for root, group in members.items()}
    own: dict[str, list[str]] = defaultdict(list)
    for value, sharing in values.items():
        for account in sharing:
            own[account].append(value)
    return {a: Link(names[root], len(members[root]), tuple(sorted(own[a]))) for a, root in group.items()}


def _linking_values(accounts: Collection[str], activity: pa.Table) -> dict[str, list[str]]:
    rows = activity.filter(pc.is_in(activity["measure"], pa.array(LINKING)))
    keyed = rows.select(["measure", "value", "account"])
    ours = pc.is_in(keyed["account"], pa.array(sorted(accounts), pa.string()))
    counted = keyed.append_column("ours", pc.cast(ours, pa.int64())).group_by(["measure", "value"], use_threads=False)
    counts = counted.aggregate([("ours", "sum"), ("ours", "count")]).to_pylist()
    wanted = {(c["measure"], c["value"]) for c in counts if c["ours_sum"] >= max(2, OWN_SHARE * c["ours_count"])}
    sharing: dict[str, list[str]] = defaultdict(list)
    for row in keyed.filter(ours).to_pylist():
        if (row["measure"], row["value"]) in wanted:
            sharing[f"{row['measure']}:{row['value']}"].append(row["account"])
    return {value: sorted(sharing[value]) for value in sorted(sharing)}


def _components(values: Mapping[str, list[str]]) -> dict[str, str]:
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
