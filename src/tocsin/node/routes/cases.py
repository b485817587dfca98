"""GET /v1/cases: the queue."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.engine import RowMapping
from starlette.requests import Request

from tocsin.forms import FormatError
from tocsin.node.access import Caller, require
from tocsin.node.node import Node
from tocsin.node.refusals import NotFoundError
from tocsin.node.stores import cases
from tocsin.node.stores.cases import Place

router = APIRouter(prefix="/v1", tags=["cases"])
_MOST = 1000


class CaseOut(BaseModel):
    """One case, without content."""

    case_id: str
    campaign_id: str | None
    accounts: list[str] = Field(description="keyed hashes, as `tocsin screen --id-key` writes them")
    sessions: list[str]
    kinds: list[str]
    severity: int
    strength: float
    weight: float = Field(description="by which cases are ordered")
    reach: int
    findings: int
    rules: list[str]
    links: list[str]
    first: datetime
    last: datetime
    why: dict[str, str] = Field(description="one sentence in en and zh")
    status: str
    opened: datetime
    changed: datetime


class CasePage(BaseModel):
    """Some cases, the weightiest first."""

    cases: list[CaseOut]
    next: str | None = Field(description="give this as `after` for the next page; null on the last")


@router.get("/cases", summary="List cases, the weightiest first.")
def list_cases(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    after: Annotated[str | None, Query(max_length=100)] = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
    campaign: Annotated[str | None, Query(max_length=40)] = None,
    _caller: Caller = Depends(require("read")),  # noqa: B008
) -> CasePage:
    """List a page of cases."""
    node: Node = request.app.state.node
    with node.database.reading() as connection:
        rows = cases.page(connection, limit + 1, after=_place(after), status=status, campaign_id=campaign)
    shown = rows[:limit]
    more = f"{shown[-1]['weight']!r}~{shown[-1]['case_id']}" if len(rows) > limit else None
    return CasePage(cases=[case_out(row) for row in shown], next=more)


@router.get("/cases/{case_id}", summary="Show a case.")
def get_case(request: Request, case_id: str, _caller: Caller = Depends(require("read"))) -> CaseOut:  # noqa: B008
    """Show one case."""
    node: Node = request.app.state.node
    with node.database.reading() as connection:
        row = cases.get(connection, case_id)
    if row is None:
        raise NotFoundError("no such case", hint="GET /v1/cases lists them")
    return case_out(row)


def case_out(row: RowMapping) -> CaseOut:
    """Show a row of the store; what holds content is left out."""
    times = {name: datetime.fromtimestamp(row[name] / 1e6, UTC) for name in ("first", "last", "opened", "changed")}
    accounts = [row["account"]] if row["account"] else []
    why = {"en": row["why_en"], "zh": row["why_zh"]}
    return CaseOut.model_validate({**row, **times, "accounts": accounts, "why": why})


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    weight, _, case_id = after.partition("~")
    try:
        return Place(float(weight), case_id)
    except ValueError:
        raise FormatError("`after` is no place in the list", hint="give `next` of the last page") from None
