"""What the API shows of cases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.engine import RowMapping

from tocsin.cases import Decision, Effect, Reason, Sort, Standing, State
from tocsin.node.stores.acts import Kept
from tocsin.node.stores.times import moment


class Hint(BaseModel):
    """A lead that events of the case's account met: a hint from others, never a verdict."""

    lead: str
    form: str
    kind: str
    source: str
    note: str
    events: int
    first: datetime
    last: datetime


class CaseOut(BaseModel):
    """One case, without content."""

    case_id: str
    campaign_id: str | None
    accounts: list[str] = Field(description="keyed hashes, as `tocsin screen --id-key` writes them")
    sessions: list[str]
    kinds: list[str]
    severity: int
    strength: float
    weight: float = Field(description="by which cases of one urgency are ordered")
    reach: int
    findings: int
    rules: list[str]
    links: list[str]
    leads: list[Hint] = Field(description="leads that its account met; they change neither order nor decision")
    first: datetime
    last: datetime
    why: dict[str, str] = Field(description="one sentence in en and zh")
    status: State
    effect: Effect | None = Field(description="in force")
    claimed_by: str | None = Field(description="who holds it now: a person's or a token's id")
    claimed_until: datetime | None
    opened: datetime
    changed: datetime


class CasePage(BaseModel):
    """Some cases, the most urgent first, and of those the weightiest."""

    cases: list[CaseOut]
    next: str | None = Field(description="give this as `after` for the next page; null on the last")


class DecisionOut(BaseModel):
    """A decision, and how many people stand behind it."""

    decision: int = Field(description="number of the act; name it to approve, decline, undo or appeal")
    effect: Effect | None = Field(description="null: as before any decision")
    reason: Reason
    people: int
    takes: int = Field(description="people that it takes")
    undoes: int | None


class StandingOut(BaseModel):
    """How a case stands."""

    acts: int = Field(description="give this as `after`, and nothing is done where others were faster")
    status: State
    effect: Effect | None
    in_force: list[DecisionOut] = Field(description="the last one counts; undo goes back to the one before")
    proposed: DecisionOut | None = Field(description="waits for a second person")
    appeal: int | None = Field(description="number of the appeal that waits for its answer")
    claimed_by: str | None
    claimed_until: datetime | None


class ActOut(BaseModel):
    """One thing that was done with a case."""

    number: int
    sort: Sort
    who: str
    name: str
    is_person: bool
    time: datetime
    effect: Effect | None
    reason: Reason | None
    of: int | None
    noted: bool
    note: str | None = Field(description="only where content was asked for")


class Found(BaseModel):
    """A finding; its evidence only where content was asked for."""

    event_id: str | None
    time: datetime
    session: str | None
    detector: str
    rule: str | None
    kind: str
    severity: int
    score: float
    evidence: str | None


class CaseDetail(CaseOut):
    """A case and what was done with it."""

    standing: StandingOut
    acts: list[ActOut]
    found: list[Found] = Field(description="findings on events, the gravest first")
    found_all: bool = Field(description="whether these are all that are kept on events")
    excerpt: str | None


class Event(BaseModel):
    """One message."""

    event_id: str
    time: datetime
    session: str | None
    role: str
    text: str
    status: str | None
    tool: str | None


class EventPage(BaseModel):
    """Messages of one account, the newest first."""

    events: list[Event]


def case_out(row: RowMapping, now: int, met: Mapping[str, Sequence[RowMapping]]) -> CaseOut:
    """Show a row and the leads that accounts met; what holds content is left out, and a claim that has ended."""
    times = {name: moment(row[name]) for name in ("first", "last", "opened", "changed")}
    held = row["claimed_by"] is not None and row["claimed_until"] > now
    claim = {
        "claimed_by": row["claimed_by"] if held else None,
        "claimed_until": moment(row["claimed_until"]) if held else None,
    }
    accounts = [row["account"]] if row["account"] else []
    why = {"en": row["why_en"], "zh": row["why_zh"]}
    hints = [_hint(lead) for lead in met.get(row["account"], ())]
    return CaseOut.model_validate({**row, **times, **claim, "accounts": accounts, "why": why, "leads": hints})


def _hint(row: RowMapping) -> Hint:
    times = {name: moment(row[name]) for name in ("first", "last")}
    return Hint.model_validate({**row, **times, "lead": row["id"], "note": row["details"].get("note", "")})


def standing_out(standing: Standing) -> StandingOut:
    """Show how a case stands."""
    return StandingOut(
        acts=standing.acts,
        status=standing.state,
        effect=standing.effect,
        in_force=[_decision(one) for one in standing.force],
        proposed=_decision(standing.proposal) if standing.proposal else None,
        appeal=standing.appeal.number if standing.appeal else None,
        claimed_by=standing.holder,
        claimed_until=standing.held_until,
    )


def _decision(one: Decision) -> DecisionOut:
    return DecisionOut(
        decision=one.number,
        effect=one.effect,
        reason=one.reason,
        people=len(one.people),
        takes=one.takes,
        undoes=one.undoes,
    )


def act_out(kept: Kept, note: str | None) -> ActOut:
    """Show an act."""
    act = kept.act
    told: dict[str, Any] = {"number": act.number, "sort": act.sort, "time": act.at, "effect": act.effect}
    told |= {"reason": act.reason, "of": act.of, "noted": kept.noted, "note": note}
    return ActOut(who=act.by.id, name=kept.name, is_person=act.by.is_person, **told)
