"""POST /v1/cases/ID/…: what can be done with a case."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from tocsin.cases import Effect, Reason, Sort
from tocsin.node.access import Caller, require
from tocsin.node.desk import Desk, Wish
from tocsin.node.routes.cases import CaseId
from tocsin.node.routes.shapes import StandingOut, standing_out

router = APIRouter(prefix="/v1/cases/{case_id}", tags=["desk"])
_NOTE_MOST = 4000
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Note = Annotated[str, Field(max_length=_NOTE_MOST, description="for colleagues with the scope `content`; sealed")]

_SEEN = "acts that you have seen; where there are more, nothing is done"
After = Annotated[int | None, Field(ge=0, le=1_000_000, description=_SEEN)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: After = None
    note: Note = ""


class Plain(_In):
    """Nothing more to say."""


class DecisionIn(_In):
    """An effect, and why."""

    effect: Effect
    reason: Reason


class ApprovalIn(_In):
    """What was read, and whether a second person agrees."""

    decision: Number
    agree: bool = True


class UndoIn(_In):
    """Which decision, and why."""

    decision: Number
    reason: Reason


class AppealIn(_In):
    """Which decision an affected user wants looked at again."""

    decision: Number


Decider = Annotated[Caller, Depends(require("decide"))]


@router.post("/claim", summary="Take a case on, for a while.")
def claim(request: Request, case_id: CaseId, caller: Decider, body: Plain | None = None) -> StandingOut:
    """Claim."""
    return _do(request, case_id, caller, Sort.CLAIM, body or Plain())


@router.post("/release", summary="Let a claimed case go.")
def release(request: Request, case_id: CaseId, caller: Decider, body: Plain | None = None) -> StandingOut:
    """Release."""
    return _do(request, case_id, caller, Sort.RELEASE, body or Plain())


@router.post("/decision", summary="Decide a case; a severe effect waits for a second person.")
def decide(request: Request, case_id: CaseId, caller: Decider, body: DecisionIn) -> StandingOut:
    """Decide."""
    return _do(request, case_id, caller, Sort.DECIDE, body, effect=body.effect, reason=body.reason)


@router.post("/approve", summary="Be the second person to a decision, or decline it.")
def approve(request: Request, case_id: CaseId, caller: Decider, body: ApprovalIn) -> StandingOut:
    """Approve or decline."""
    sort = Sort.APPROVE if body.agree else Sort.DECLINE
    return _do(request, case_id, caller, sort, body, of=body.decision)


@router.post("/undo", summary="Take the decision in force back; what was in force before it is so again.")
def undo(request: Request, case_id: CaseId, caller: Decider, body: UndoIn) -> StandingOut:
    """Undo."""
    return _do(request, case_id, caller, Sort.UNDO, body, reason=body.reason, of=body.decision)


@router.post("/appeal", summary="Enter an appeal; somebody who did not decide must answer it.")
def appeal(request: Request, case_id: CaseId, caller: Decider, body: AppealIn) -> StandingOut:
    """Appeal."""
    return _do(request, case_id, caller, Sort.APPEAL, body, of=body.decision)


def _do(
    request: Request,
    case_id: str,
    caller: Caller,
    sort: Sort,
    body: _In,
    *,
    effect: Effect | None = None,
    reason: Reason | None = None,
    of: int | None = None,
) -> StandingOut:
    wish = Wish(sort, effect, reason, of, body.note, body.after)
    return standing_out(Desk(request.app.state.node).do(case_id, wish, caller))
