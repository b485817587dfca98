"""Serve a witness (c2sp.org/tlog-witness)."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.ledger import WITNESS_BYTES, Answer, Witness, refuse
from tocsin.node.answering import Ready, application, read_body, respond


def witness_app(witness: Witness, ready: Ready) -> Starlette:
    """Make the application of a witness; submission and monitoring prefix are the same."""

    async def add(request: Request) -> Response:
        return await add_checkpoint(witness, ready, request)

    async def latest(request: Request) -> Response:
        log = request.path_params["log"]
        note = await run_in_threadpool(witness.latest, log) if is_origin_hash(log) else None
        return respond(Answer(200, note.encode()) if note else refuse(404, "no checkpoint of that log"))

    return application([Route("/add-checkpoint", add, methods=["POST"]), Route("/{log}/checkpoint", latest)])


async def add_checkpoint(witness: Witness, ready: Ready, request: Request) -> Response:
    """Take a checkpoint."""
    if not ready():
        return respond(refuse(503, "the peers have not been asked yet"))
    body = await read_body(request, WITNESS_BYTES)
    if body is None:
        return respond(refuse(413, f"a request has at most {WITNESS_BYTES} bytes"))
    return respond(await run_in_threadpool(witness.add_checkpoint, body))


def is_origin_hash(text: str) -> bool:
    """Tell whether a path element may name a log: 64 lower-case hexadecimal digits."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
