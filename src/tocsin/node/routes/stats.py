"""GET /v1/stats: how much came in, was screened and found."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request

from tocsin.node.access import Caller, require
from tocsin.node.node import Node
from tocsin.node.stores import cases, events, totals

router = APIRouter(prefix="/v1", tags=["stats"])


class Stats(BaseModel):
    """What a node has done."""

    events: int = Field(description="events that came in and were screened")
    waiting: int = Field(description="events that came in and wait to be screened")
    refused: int = Field(description="lines and spans from followed sources and exporters that could not be read")
    uncaptured: int = Field(description="model calls that came without content: nobody has seen whether they are clean")
    failed: int = Field(description="events that were set aside because they could not be screened")
    findings: int = Field(description="findings that the cases were formed from")
    cases: int = Field(description="cases that are formed from what is kept")
    settled: bool = Field(description="whether the cases speak of all events")


@router.get("/stats", summary="Count events, findings and cases.")
def get_stats(request: Request, _caller: Caller = Depends(require("read"))) -> Stats:  # noqa: B008
    """Count."""
    node: Node = request.app.state.node
    with node.database.reading() as connection:
        total, waiting = totals.read(connection), events.waiting(connection)
        return Stats(
            events=total.get("events", 0),
            waiting=waiting,
            refused=total.get("refused", 0),
            uncaptured=total.get("uncaptured", 0),
            failed=events.count_failed(connection),
            findings=total.get("findings", 0),
            cases=cases.count(connection),
            settled=waiting == 0 and total.get("cased", 0) + total.get("outlived", 0) >= total.get("events", 0),
        )
