"""Acts: all that was done with a case, one row each, never changed."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection, Row

from tocsin.cases import URGENCY, Act, Actor, Effect, Reason, Seen, Sort, Standing
from tocsin.node.db.schema import ACTS, CASES
from tocsin.node.keys import Sealer
from tocsin.node.stores.times import micros, moment


@dataclass(frozen=True)
class Kept:
    """An act as it is kept: with the name of who did it, and a note where there is one."""

    act: Act
    name: str
    noted: bool


def load(connection: Connection, case_id: str) -> list[Kept]:
    """Read the acts of a case, in order."""
    rows = connection.execute(select(ACTS).where(ACTS.c.case_id == case_id).order_by(ACTS.c.number))
    return [Kept(_act(row), row.name, row.note is not None) for row in rows]


def _act(row: Row[tuple[object, ...]]) -> Act:
    r = row._mapping
    return Act(
        number=r["number"],
        sort=Sort(r["sort"]),
        by=Actor(r["actor"], r["is_person"]),
        at=moment(r["time"]),
        effect=Effect(r["effect"]) if r["effect"] else None,
        reason=Reason(r["reason"]) if r["reason"] else None,
        of=r["speaks_of"],
        takes=r["takes"],
        until=moment(r["until"]) if r["until"] is not None else None,
    )


def add(connection: Connection, case_id: str, act: Act, name: str, seen: Seen, note: bytes | None = None) -> None:
    """Keep an act. `note` is sealed. Errors: IntegrityError where another act took its number."""
    row = {
        "case_id": case_id,
        "number": act.number,
        "time": micros(act.at),
        "sort": act.sort,
        "actor": act.by.id,
        "name": name,
        "is_person": act.by.is_person,
        "effect": act.effect,
        "reason": act.reason,
        "speaks_of": act.of,
        "takes": act.takes,
        "until": micros(act.until) if act.until else None,
        "seen": {"severity": seen.severity, "kinds": sorted(seen.kinds), "findings": seen.findings},
        "note": note,
    }
    connection.execute(insert(ACTS).values(row))


def last_seen(connection: Connection, case_id: str, number: int) -> Seen | None:
    """What the case held when act `number` was done."""
    found = select(ACTS.c.seen).where(ACTS.c.case_id == case_id, ACTS.c.number == number)
    seen = connection.execute(found).scalar()
    return Seen(seen["severity"], frozenset(seen["kinds"]), seen["findings"]) if seen else None


def put_standing(connection: Connection, case_id: str, standing: Standing, now: int) -> None:
    """Write how a case stands beside it, so that the queue is found without its acts."""
    values = {
        "status": standing.state,
        "urgency": URGENCY[standing.state],
        "effect": standing.effect,
        "claimed_by": standing.holder,
        "claimed_until": micros(standing.held_until) if standing.held_until else 0,
        "changed": now,
    }
    connection.execute(update(CASES).where(CASES.c.case_id == case_id).values(values))


def notes(connection: Connection, case_id: str, sealer: Sealer) -> dict[int, str]:
    """Open the notes of a case, by act."""
    found = select(ACTS.c.number, ACTS.c.note).where(ACTS.c.case_id == case_id, ACTS.c.note.is_not(None))
    rows = connection.execute(found)
    return {row.number: sealer.open(row.note, note_place(case_id, row.number)).decode() for row in rows}


def note_place(case_id: str, number: int) -> str:
    """Name the place that a note is sealed for."""
    return f"note {case_id} {number}"
