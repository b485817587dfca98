"""What administrators look after: the audit trail, and what could not be delivered."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from starlette.requests import Request

from tocsin.node.access import Caller, require
from tocsin.node.node import Node
from tocsin.node.refusals import NotFoundError
from tocsin.node.stores import audit, outbox
from tocsin.node.stores.audit import Entry, audit_key
from tocsin.node.stores.times import moment

router = APIRouter(prefix="/v1", tags=["trail"])
_MOST = 1000
_MOST_ROW = 2**53
_PLAIN = r"^[\x21-\x7e]{1,200}$"
Admin = Annotated[Caller, Depends(require("admin"))]
Limit = Annotated[int, Query(ge=1, le=_MOST)]
Before = Annotated[int | None, Query(ge=1, le=_MOST_ROW, description="`next` of the last page")]


class EntryOut(BaseModel):
    """One thing that somebody did."""

    id: int
    time: datetime
    who: str
    action: str
    subject: str
    details: dict[str, str | int | bool | list[str] | None]
    chain: str = Field(description="hash that binds it to all before")


class Trail(BaseModel):
    """The newest first."""

    entries: list[EntryOut]
    next: int | None
    rows: int = Field(description="of the whole trail; note it elsewhere with `head`")
    head: str = Field(description="hash of the last row")


class Sent(BaseModel):
    """A message, without its body."""

    id: int
    sink: str
    subject: str
    state: Literal["waiting", "sent", "dead"]
    made: datetime
    tries: int
    next_try: datetime
    settled: datetime | None
    problem: str | None


class SentPage(BaseModel):
    """The newest first."""

    messages: list[Sent]
    next: int | None


@router.get("/audit", summary="Read the audit trail.")
def read_audit(
    request: Request,
    _caller: Admin,
    who: Annotated[str | None, Query(pattern=_PLAIN)] = None,
    action: Annotated[str | None, Query(pattern=_PLAIN)] = None,
    subject: Annotated[str | None, Query(pattern=_PLAIN)] = None,
    before: Before = None,
    limit: Limit = 100,
) -> Trail:
    """Read a page."""
    with _node(request).database.reading() as connection:
        rows = audit.page(connection, limit + 1, before=before, who=who, action=action, subject=subject)
        head = audit.head(connection)
    shown = [
        EntryOut.model_validate({**row, "time": _when(row["time"]), "chain": row["chain"].hex()})
        for row in rows[:limit]
    ]
    more = shown[-1].id if len(rows) > limit else None
    return Trail(entries=shown, next=more, rows=head.rows, head=head.chain.hex())


@router.get("/outbox", summary="List what was told to whom, and what could not be.")
def read_outbox(
    request: Request,
    _caller: Admin,
    state: Annotated[Literal["waiting", "sent", "dead"] | None, Query()] = None,
    sink: Annotated[str | None, Query(pattern=_PLAIN)] = None,
    subject: Annotated[str | None, Query(pattern=_PLAIN, description="id of a case")] = None,
    before: Before = None,
    limit: Limit = 100,
) -> SentPage:
    """Read a page."""
    with _node(request).database.reading() as connection:
        rows = outbox.page(connection, limit + 1, before=before, state=state, sink=sink, subject=subject)
    shown = [_sent(dict(row)) for row in rows[:limit]]
    return SentPage(messages=shown, next=shown[-1].id if len(rows) > limit else None)


@router.post("/outbox/{message_id}/retry", summary="Try a dead message again.", status_code=204)
def retry(request: Request, caller: Admin, message_id: Annotated[int, InPath(ge=1, le=_MOST_ROW)]) -> None:
    """Let it wait again."""
    node = _node(request)
    with node.database.writing() as connection:
        if not outbox.revive(connection, message_id, node.now()):
            raise NotFoundError("no such dead message", hint="GET /v1/outbox?state=dead lists them")
        entry = Entry(caller.actor, "outbox.retry", str(message_id), {"token": caller.id})
        audit.append(connection, audit_key(node.keys.sealer.key), entry, node.now())


def _entry(row: dict[str, Any]) -> EntryOut:
    return EntryOut.model_validate({**row, "time": _when(row["time"]), "chain": row["chain"].hex()})


def _sent(row: dict[str, object]) -> Sent:
    times = {name: _when(row[name]) for name in ("made", "next_try", "settled") if row[name] is not None}
    return Sent.model_validate({**row, **times})


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _when(micros: object) -> datetime:
    assert isinstance(micros, int)
    return moment(micros)
