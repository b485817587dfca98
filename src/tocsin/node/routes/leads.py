"""Leads: POST, GET and DELETE /v1/leads."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi import Path as InPath
from pydantic import BaseModel, Field
from sqlalchemy.engine import RowMapping
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tocsin.node.access import Caller, require
from tocsin.node.answering import read_body
from tocsin.node.leads.importing import SOURCE_CHARS, remove_leads, take_leads
from tocsin.node.node import Node
from tocsin.node.refusals import NotFoundError, TooLargeError
from tocsin.node.stores import leads
from tocsin.node.stores.times import moment

router = APIRouter(prefix="/v1", tags=["leads"])
Form = Literal["account", "network", "client", "text"]
_NAME = "0-9A-Za-z\u00c0-\u024f\u4e00-\u9fff"
Source = Annotated[
    str,
    Query(pattern=f"^[{_NAME}][{_NAME} .,:@()+_-]*$", max_length=SOURCE_CHARS, description="whose indicators they are"),
]
LeadId = Annotated[str, InPath(pattern=r"^[\x21-\x7e]{1,40}$")]
_OBJECTS = {"type": "array"}
_BUNDLE = {"required": ["type", "objects"], "properties": {"type": {"const": "bundle"}, "objects": _OBJECTS}}
_EVENT = {
    "required": ["Event"],
    "properties": {"Event": {"type": "object", "required": ["Attribute"], "properties": {"Attribute": _OBJECTS}}},
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "object", "anyOf": [_BUNDLE, _EVENT]}},
        "text/csv": {"schema": {"type": "string", "pattern": "^form,value,kind,note,until\n"}},
    },
}
_MOST = 1000


class TakenOut(BaseModel):
    """What became of a file of indicators."""

    added: int
    known: int
    skipped: dict[str, int] = Field(description="how many were passed over, by reason")


class LeadOut(BaseModel):
    """One lead. It is a hint: nothing is blocked, and nobody decided about, by a lead alone."""

    id: str
    form: str
    value: str = Field(description="of an account the keyed hash; of a text its folded pieces, {} between")
    kind: str
    source: str
    note: str
    made: datetime
    until: datetime | None
    looked_back: bool = Field(description="whether what came in before was looked through")
    accounts: int = Field(description="accounts whose events met it")
    events: int


class LeadPage(BaseModel):
    """Some leads, in order of id."""

    leads: list[LeadOut]
    next: str | None = Field(description="give this as `after` for the next page; null on the last")


class Removed(BaseModel):
    """How many leads were removed."""

    removed: int


@router.post(
    "/leads",
    summary="Import indicators as leads: a STIX 2.1 bundle, MISP events, or CSV whose first line names its columns.",
    openapi_extra={"requestBody": _BODY},
    response_model=TakenOut,
)
async def add_leads(request: Request, source: Source, caller: Caller = Depends(require("admin"))) -> Response:  # noqa: B008
    """Import a file."""
    return await _taken(request, source, None, caller)


@router.post(
    "/leads/list",
    summary="Import a plain list as leads: a value a line.",
    openapi_extra={"requestBody": {"required": True, "content": {"text/plain": {"schema": {}}}}},
    response_model=TakenOut,
)
async def add_list(
    request: Request,
    source: Source,
    form: Annotated[Form, Query(description="what every line is")],
    caller: Caller = Depends(require("admin")),  # noqa: B008
) -> Response:
    """Import a list."""
    return await _taken(request, source, form, caller)


async def _taken(request: Request, source: str, form: str | None, caller: Caller) -> Response:
    node: Node = request.app.state.node
    body = await read_body(request, node.config.server.body_bytes)
    if body is None:
        raise TooLargeError(f"the body is above {node.config.server.body_bytes} bytes", hint="use `tocsin node import`")
    taken = await run_in_threadpool(take_leads, node, body, source, form, caller.actor)
    return Response(msgspec.json.encode(taken), media_type="application/json")


@router.get("/leads", summary="List leads.")
def list_leads(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
    after: Annotated[str, Query(pattern=r"^[\x21-\x7e]{0,40}$", description="`next` of the last page")] = "",
    source: Annotated[str | None, Query(max_length=SOURCE_CHARS, description="only those of one source")] = None,
    _caller: Caller = Depends(require("read")),  # noqa: B008
) -> LeadPage:
    """List a page of leads."""
    node: Node = request.app.state.node
    with node.database.reading() as connection:
        rows = leads.page(connection, limit + 1, after, source)
    shown = rows[:limit]
    return LeadPage(leads=[_shown(row) for row in shown], next=shown[-1]["id"] if len(rows) > limit else None)


@router.delete("/leads/{lead}", summary="Remove a lead.")
def remove_one(request: Request, lead: LeadId, caller: Caller = Depends(require("admin"))) -> Removed:  # noqa: B008
    """Remove one lead."""
    removed = remove_leads(request.app.state.node, caller.actor, lead=lead)
    if not removed:
        raise NotFoundError("no such lead", hint="GET /v1/leads lists them")
    return Removed(removed=removed)


@router.delete("/leads", summary="Remove all leads of a source.")
def remove_all(request: Request, source: Source, caller: Caller = Depends(require("admin"))) -> Removed:  # noqa: B008
    """Remove what one import or several brought under one name."""
    return Removed(removed=remove_leads(request.app.state.node, caller.actor, source=source))


def _shown(row: RowMapping) -> LeadOut:
    times = {name: row[name] and moment(row[name]) for name in ("made", "until")}
    more = {"note": row["details"].get("note", ""), "looked_back": row["state"] != leads.NEW}
    return LeadOut.model_validate({**row, **times, **more})
