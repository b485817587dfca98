"""Take the indicators of a file in as leads of a node."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from tocsin.forms import ConfigError
from tocsin.node.leads.lead import MOST_TEXTS, Lead, lead_of, plain
from tocsin.node.leads.reading import read_indicators
from tocsin.node.node import Node
from tocsin.node.people import OPERATOR
from tocsin.node.stores import audit, leads
from tocsin.node.stores.audit import Details, Entry, audit_key
from tocsin.traffic import hash_identifier

SOURCE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """Say what became of a file: leads that are new, those that were known, and by reason what was passed over."""

    added: int
    known: int
    skipped: dict[str, int]


def take_leads(node: Node, data: bytes, source: str, form: str | None = None, who: str = OPERATOR.actor) -> Taken:
    """Import a file of indicators; identifiers of accounts are hashed before anything is stored.

    who: noted in the audit trail.

    Errors: FormatError where the file is none; ConfigError for an unknown form, a source without a name, or too many
    texts; TransportError where the database cannot be used.
    """
    name = plain(source)[:SOURCE_CHARS]
    if not name:
        raise ConfigError("the leads have no source", hint="say whose they are, to remove them together later")
    read = read_indicators(data, datetime.fromtimestamp(node.clock(), UTC), form)
    made = []
    for named in read.named.values():
        own = hash_identifier(named.value, node.keys.identity) if named.form == "account" else named.value
        made.append(lead_of(named, name, own))
    with node.database.writing() as connection:
        _refuse_too_many(made, leads.count(connection, "text"))
        added = leads.add(connection, made, node.now())
        _note(node, connection, who, "leads.import", name, {"added": added, "known": len(made) - added})
    return Taken(added, len(made) - added, dict(sorted(read.skipped.items())))


def remove_leads(node: Node, who: str, *, lead: str | None = None, source: str | None = None) -> int:
    """Remove one lead, or all of a source; return how many there were."""
    with node.database.writing() as connection:
        removed = leads.remove(connection, lead=lead, source=source)
        if removed:
            _note(node, connection, who, "leads.remove", lead or source or "", {"removed": removed})
    return removed


def _note(node: Node, connection: Connection, who: str, action: str, subject: str, details: Details) -> None:
    audit.append(connection, audit_key(node.keys.sealer.key), Entry(who, action, subject, details), node.now())


def _refuse_too_many(made: list[Lead], there: int) -> None:
    texts = sum(lead.form == "text" for lead in made)
    if texts + there > MOST_TEXTS:
        hint = "a bank of fingerprints (`tocsin fingerprint`) holds millions of texts"
        raise ConfigError(f"{texts} texts beside {there}, limit {MOST_TEXTS}", hint=hint)
