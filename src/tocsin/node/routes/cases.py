"""GET /v1/cases: the queue, and what a case holds."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from starlette.requests import Request

from tocsin.cases import Effect, State, standing_of
from tocsin.node.access import Caller, check_scope, require
from tocsin.node.evidence import evidence_of, messages_of_case
from tocsin.node.node import Node
from tocsin.node.refusals import NotFoundError
from tocsin.node.routes.shapes import CaseDetail, CasePage, Event, EventPage, act_out, case_out, standing_out
from tocsin.node.stores import acts, audit, cases, leads
from tocsin.node.stores.audit import Entry, audit_key
from tocsin.node.stores.cases import Place, Wanted

router = APIRouter(prefix="/v1", tags=["cases"])
_MOST = 1000
_KIND = r"^(M\d\d|L-[A-Za-z0-9-]{1,40})$"
_PLAIN = r"^[\x21-\x7e]{1,40}$"
_AFTER = r"^\d~\d{1,3}(\.\d{1,17})?~[\x21-\x7e]{1,40}$"
CaseId = Annotated[str, InPath(pattern=_PLAIN)]


def _wanted(
    status: Annotated[list[State] | None, Query(description="repeat it for several")] = None,
    effect: Annotated[Effect | None, Query(description="in force")] = None,
    kind: Annotated[str | None, Query(pattern=_KIND)] = None,
    severity: Annotated[int | None, Query(ge=1, le=5, description="at least")] = None,
    campaign: Annotated[str | None, Query(pattern=_PLAIN)] = None,
    account: Annotated[str | None, Query(pattern=_PLAIN, description="keyed hash")] = None,
) -> Wanted:
    states = tuple(one.value for one in status or ())
    return Wanted(states, effect, kind, severity, campaign, account)


@router.get("/cases", summary="List cases: the most urgent first, and of those the weightiest.")
def list_cases(
    request: Request,
    wanted: Annotated[Wanted, Depends(_wanted)],
    caller: Annotated[Caller, Depends(require("read"))],
    mine: Annotated[bool, Query(description="only those that you have claimed")] = False,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    after: Annotated[str | None, Query(pattern=_AFTER, description="`next` of the last page")] = None,
) -> CasePage:
    """List a page of cases."""
    node: Node = request.app.state.node
    chosen = Wanted(**{**_columns(wanted), "claimed_by": caller.actor if mine else None})
    with node.database.reading() as connection:
        rows = cases.page(connection, limit + 1, after=_place(after), wanted=chosen, now=node.now())
        met = leads.met_by(connection, [row["account"] for row in rows if row["account"]])
    shown = rows[:limit]
    more = (
        "~".join((str(shown[-1]["urgency"]), repr(shown[-1]["weight"]), shown[-1]["case_id"])) if rows[limit:] else None
    )
    return CasePage(cases=[case_out(row, node.now(), met) for row in shown], next=more)


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in Wanted.__slots__}


@router.get("/cases/{case_id}", summary="Show a case: its findings, how it stands, what was done with it.")
def get_case(
    request: Request,
    case_id: CaseId,
    caller: Annotated[Caller, Depends(require("read"))],
    content: Annotated[
        bool, Query(description="with excerpts and notes; needs the scope `content`, and is entered in the audit trail")
    ] = False,
) -> CaseDetail:
    """Show one case; content only to those who may read it, and only where they ask for it."""
    node: Node = request.app.state.node
    if content:
        _note_reading(node, caller, case_id, "case.read")
    with node.database.reading() as connection:
        row = cases.get(connection, case_id)
        if row is None:
            raise _no_case()
        kept = acts.load(connection, case_id)
        findings = evidence_of(connection, row, node.keys.sealer, content=content)
        met = leads.met_by(connection, [row["account"]] if row["account"] else [])
        notes = acts.notes(connection, case_id, node.keys.sealer) if content else {}
    return CaseDetail(
        **case_out(row, node.now(), met).model_dump(),
        standing=standing_out(standing_of(one.act for one in kept)),
        acts=[act_out(one, notes.get(one.act.number)) for one in kept],
        found=findings.rows,
        found_all=findings.whole,
        excerpt=row["excerpt"] if content else None,
    )


@router.get("/cases/{case_id}/events", summary="Read the messages of a case's account, the newest first.")
def get_events(
    request: Request,
    case_id: CaseId,
    caller: Annotated[Caller, Depends(require("content"))],
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> EventPage:
    """Read content: entered in the audit trail before anything is shown."""
    check_scope(caller, "read")
    node: Node = request.app.state.node
    _note_reading(node, caller, case_id, "case.read_events")
    with node.database.reading() as connection:
        row = cases.get(connection, case_id)
        if row is None:
            raise _no_case()
        found = messages_of_case(connection, row, node.keys.sealer, limit)
    return EventPage(events=[Event.model_validate(one) for one in found])


def _note_reading(node: Node, caller: Caller, case_id: str, action: str) -> None:
    check_scope(caller, "content")
    with node.database.writing() as connection:
        if cases.get(connection, case_id) is None:
            raise _no_case()
        entry = Entry(caller.actor, action, case_id, {"token": caller.id})
        audit.append(connection, audit_key(node.keys.sealer.key), entry, node.now())


def _no_case() -> NotFoundError:
    return NotFoundError("no such case", hint="GET /v1/cases lists them")


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    urgency, weight, case_id = after.split("~", 2)
    return Place(int(urgency), float(weight), case_id)
