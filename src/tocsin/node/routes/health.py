"""GET /healthz, /readyz and /metrics: for those who run the node."""

from fastapi import APIRouter, Depends
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from tocsin.forms import TransportError
from tocsin.node.access import Caller, require
from tocsin.node.db import is_current
from tocsin.node.node import Node
from tocsin.node.stores import cases, events, outbox, totals

router = APIRouter(tags=["health"])


class Fine(BaseModel):
    """All is well."""

    status: str = "ok"


@router.get("/healthz", summary="Tell that the server answers.")
async def healthz() -> Fine:
    """Answer."""
    return Fine()


@router.get("/readyz", summary="Tell whether the database can be used.")
def readyz(request: Request) -> Fine:
    """Ask the database; 503 where it does not answer."""
    node: Node = request.app.state.node
    if not is_current(node.database):
        raise TransportError("the database has the tables of another version", hint="run `tocsin node migrate DIR`")
    return Fine()


@router.get("/metrics", summary="Figures for Prometheus.", response_class=Response)
def metrics(request: Request, _caller: Caller = Depends(require("metrics"))) -> Response:  # noqa: B008
    """Give the figures of the database, the same whichever process is asked."""
    node: Node = request.app.state.node
    with node.database.reading() as connection:
        total, waiting, formed = totals.read(connection), events.waiting(connection), cases.count(connection)
        told = outbox.counts(connection)
        failed = events.count_failed(connection)
    registry = CollectorRegistry()
    for name, what, value in (
        ("tocsin_events_screened", "Events that were screened", total.get("events", 0)),
        ("tocsin_events_waiting", "Events that wait to be screened", waiting),
        ("tocsin_lines_refused", "Lines and spans that could not be read", total.get("refused", 0)),
        ("tocsin_calls_uncaptured", "Model calls that came without content", total.get("uncaptured", 0)),
        ("tocsin_events_failed", "Events that were set aside because they could not be screened", failed),
        ("tocsin_findings", "Findings that the cases were formed from", total.get("findings", 0)),
        ("tocsin_cases", "Cases that are formed from what is kept", formed),
        ("tocsin_outbox_waiting", "Messages that wait to be delivered", told.get(outbox.WAITING, 0)),
        ("tocsin_outbox_dead", "Messages that were given up", told.get(outbox.DEAD, 0)),
    ):
        Gauge(name, what, registry=registry).set(value)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
