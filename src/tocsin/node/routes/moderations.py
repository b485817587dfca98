"""POST /v1/moderations: the check in OpenAI's form, so that a client works by changing its base URL."""

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from tocsin.flow import Request
from tocsin.forms import FormatError
from tocsin.forms.limits import TEXT_BYTES
from tocsin.node.access import Caller, require
from tocsin.node.answering import read_body
from tocsin.node.check_forms import MODERATION_ANSWER, MODERATION_BODY, body, responses
from tocsin.node.checks import Checks
from tocsin.node.moderating import Body, Inputs, moderated, read_inputs
from tocsin.node.node import Node
from tocsin.node.refusals import TooLargeError

router = APIRouter(prefix="/v1", tags=["check"])
_decode = msgspec.json.Decoder(Body).decode
_ID_BYTES = 12


@router.post(
    "/moderations",
    summary="Check texts in the form of OpenAI's moderations.",
    openapi_extra=body(MODERATION_BODY),
    responses=responses(MODERATION_ANSWER),
)
async def moderate(request: HttpRequest, _caller: Caller = Depends(require("check"))) -> Response:  # noqa: B008
    """Check texts."""
    checks: Checks = request.app.state.checks
    node: Node = request.app.state.node
    raw = await read_body(request, checks.config.check.body_bytes)
    if raw is None:
        raise TooLargeError(f"the body is above {checks.config.check.body_bytes} bytes", hint="send fewer inputs")
    inputs = _inputs(raw)
    checked, checker = await checks.ask_all([Request(one) for one in inputs]), await checks.checker()
    told = {
        "id": f"modr-{node.random(_ID_BYTES).hex()}",
        "model": f"tocsin {checker.version}",
        "results": [moderated(c, one[0], checker.policy) for c, one in zip(checked, inputs, strict=True)],
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


def _inputs(raw: bytes) -> Inputs:
    try:
        asked = _decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise FormatError('the body is not {"input": …}', hint="docs/check-api.md shows one") from None
    inputs = read_inputs(asked)
    for number, (message,) in enumerate(inputs):
        if len(message.text.encode()) > TEXT_BYTES:
            raise FormatError(f"input {number} has over {TEXT_BYTES} bytes of text", hint="send it in parts")
    return inputs
