"""Forget an account: in events, texts, findings, counts, sketches and cases, in one transaction."""

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from tocsin.forms import PolicyError
from tocsin.node.node import Node
from tocsin.node.people import OPERATOR
from tocsin.node.stores import audit, holds, leads, leases, removal
from tocsin.node.stores.audit import Details, Entry, audit_key
from tocsin.node.stores.names import time_id

CASING = "casing"
LEASE_US = 300_000_000
_HOLDER = "forgetting"


@dataclass(frozen=True)
class Forgotten:
    """Count what was written anew or taken out; `cases` are their names."""

    parcels: int
    parts: int
    cases: tuple[str, ...]


def forget(node: Node, account: str) -> Forgotten:
    """Forget an account by its keyed hash. Workers may run: what they have not written yet will not name it.

    What stays is that its events' ids were known once, so that they do not come in again. Errors: PolicyError where
    it is under legal hold; TransportError.
    """
    with node.database.erasing() as connection:
        _check_holds(node, connection, account)
        lease = leases.lease_of(connection, node.now(), LEASE_US)
        leases.seize(connection, CASING, _HOLDER, lease)  # no cases are stored that still speak of it
        named = removal.find(connection, account)
        for parcel in named.parcels:
            removal.take_from_parcel(connection, parcel, account, node.keys.sealer)
        parts = sum(_take_from_part(node, connection, part, account) for part in named.parts)
        cases = removal.take_cases(connection, account)
        leads.forget(connection, account)
        leases.give_back(connection, CASING, _HOLDER)
        note(node, connection, "account.forget", "", {"cases": len(cases)})
    return Forgotten(len(named.parcels), parts, tuple(cases))


def note(node: Node, connection: Connection, action: str, subject: str, details: Details) -> None:
    """Enter in the audit trail what whoever has a shell here does, as the last thing in a transaction."""
    entry = Entry(OPERATOR.actor, action, subject, details)
    audit.append(connection, audit_key(node.keys.sealer.key), entry, node.now())


def _check_holds(node: Node, connection: Connection, account: str) -> None:
    for hold in holds.in_force(connection, node.now()):
        if hold.account == account:
            why = f"the account is under legal hold: {hold.reason}"
            raise PolicyError(why, hint="end the hold first: `tocsin node hold ACCOUNT DIR --end`")


def _take_from_part(node: Node, connection: Connection, part: int, account: str) -> bool:
    new = time_id(node.now(), node.random)
    return removal.take_from_part(connection, part, account, node.keys.sealer, new)
