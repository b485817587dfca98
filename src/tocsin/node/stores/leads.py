"""Leads, and the accounts whose events met them."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, RowMapping

from tocsin.node.db.schema import LEADS, SIGHTINGS
from tocsin.node.leads import Lead, Sighting
from tocsin.node.stores import totals

NEW, LIVE = "new", "live"
VERSION = "leads version"  # a total that grows with every change
_SOME = 500  # names in one statement


def add(connection: Connection, leads: Sequence[Lead], now: int) -> int:
    """Add leads; those that are there already stay as they are. Returns how many were new."""
    there = _there(connection, [lead.id for lead in leads])
    new = {lead.id: lead for lead in leads if lead.id not in there}
    rows = [
        {
            "id": lead.id,
            "source": lead.source,
            "form": lead.form,
            "value": lead.value,
            "kind": lead.kind,
            "details": {"note": lead.note},
            "made": now,
            "until": lead.until,
            "state": NEW,
        }
        for lead in new.values()
    ]
    if rows:
        connection.execute(insert(LEADS), rows)
        totals.add(connection, VERSION, 1)
    return len(rows)


def _there(connection: Connection, ids: Sequence[str]) -> set[str]:
    slices = (ids[at : at + _SOME] for at in range(0, len(ids), _SOME))
    return {
        one for some in slices for one in connection.execute(select(LEADS.c.id).where(LEADS.c.id.in_(some))).scalars()
    }


def count(connection: Connection, form: str) -> int:
    """Count the leads of a form."""
    return int(connection.execute(select(func.count()).select_from(LEADS).where(LEADS.c.form == form)).scalar_one())


def version(connection: Connection) -> int:
    """Read the number of changes so far."""
    return totals.read(connection).get(VERSION, 0)


def newest(connection: Connection) -> int:
    """Read when the newest lead was made, 0 where there is none."""
    return int(connection.execute(select(func.coalesce(func.max(LEADS.c.made), 0))).scalar_one())


def in_force(connection: Connection, now: int, state: str | None = None) -> tuple[Lead, ...]:
    """Read the leads that have not run out, of one state or all."""
    wanted = or_(LEADS.c.until.is_(None), LEADS.c.until > now)
    wanted &= (LEADS.c.state == state) if state else True
    return tuple(_lead(row) for row in connection.execute(select(LEADS).where(wanted).order_by(LEADS.c.id)).mappings())


def _lead(row: RowMapping) -> Lead:
    note = str(row["details"].get("note", ""))
    return Lead(row["id"], row["form"], row["value"], row["kind"], row["source"], note, row["until"])


def page(connection: Connection, limit: int, after: str = "", source: str | None = None) -> list[RowMapping]:
    """Read leads in order of id, with how many accounts and events met each."""
    met = (
        select(SIGHTINGS.c.lead, func.count(SIGHTINGS.c.account.distinct()), func.sum(SIGHTINGS.c.events))
        .group_by(SIGHTINGS.c.lead)
        .subquery()
    )
    lead, accounts, events = met.c
    counts = (func.coalesce(accounts, 0).label("accounts"), func.coalesce(events, 0).label("events"))
    found = select(LEADS, *counts).outerjoin(met, lead == LEADS.c.id).where(LEADS.c.id > after)
    if source is not None:
        found = found.where(LEADS.c.source == source)
    return list(connection.execute(found.order_by(LEADS.c.id).limit(limit)).mappings())


def remove(connection: Connection, *, lead: str | None = None, source: str | None = None) -> int:
    """Remove one lead, or all of a source, with what met them; return how many."""
    wanted = LEADS.c.id == lead if lead is not None else LEADS.c.source == source
    ids = select(LEADS.c.id).where(wanted)
    connection.execute(delete(SIGHTINGS).where(SIGHTINGS.c.lead.in_(ids)))
    gone = connection.execute(delete(LEADS).where(wanted)).rowcount
    if gone:
        totals.add(connection, VERSION, 1)
    return gone


def looked_back(connection: Connection, leads: Sequence[Lead]) -> None:
    """Note that everything that came in before was looked through for these leads."""
    for at in range(0, len(leads), _SOME):
        ids = [lead.id for lead in leads[at : at + _SOME]]
        connection.execute(update(LEADS).where(LEADS.c.id.in_(ids)).values(state=LIVE))


def see(connection: Connection, parcel: int, sightings: Sequence[Sighting]) -> None:
    """Note which leads a parcel met; what was noted before stays."""
    rows = [
        {"lead": s.lead, "parcel": parcel, "account": s.account, "events": s.events, "first": s.first, "last": s.last}
        for s in sightings
    ]
    if rows:
        new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(SIGHTINGS)
        connection.execute(new.on_conflict_do_nothing(), rows)


def met_by(connection: Connection, accounts: Sequence[str]) -> dict[str, list[RowMapping]]:
    """Read the leads that accounts met: rows of id, form, kind, source, note, events, first, last."""
    s, found = SIGHTINGS.c, dict[str, list[RowMapping]]()
    grouped = (
        select(
            s.account,
            LEADS.c.id,
            LEADS.c.form,
            LEADS.c.kind,
            LEADS.c.source,
            LEADS.c.details,
            func.sum(s.events).label("events"),
            func.min(s.first).label("first"),
            func.max(s.last).label("last"),
        )
        .join(LEADS, LEADS.c.id == s.lead)
        .group_by(s.account, LEADS.c.id, LEADS.c.form, LEADS.c.kind, LEADS.c.source)
    )
    for at in range(0, len(accounts), _SOME):
        some = grouped.where(s.account.in_(accounts[at : at + _SOME])).order_by(s.account, LEADS.c.id)
        for row in connection.execute(some).mappings():
            found.setdefault(row["account"], []).append(row)
    return found


def forget(connection: Connection, account: str) -> None:
    """Forget an account: what its events met, and leads about it."""
    connection.execute(delete(SIGHTINGS).where(SIGHTINGS.c.account == account))
    for lead in connection.execute(select(LEADS.c.id).where(LEADS.c.form == "account", LEADS.c.value == account)).all():
        remove(connection, lead=lead.id)
