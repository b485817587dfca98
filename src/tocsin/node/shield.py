"""What nobody foresaw: answered 500, and logged by where it happened, never with the words that it read."""

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.node.log_lines import LogLines

_BODY = {"error": {"message": "something failed here", "hint": "the log of the node says where"}}


class Shield:
    """Stand before an application, and tell of its failures."""

    def __init__(self, app: ASGIApp, lines: LogLines) -> None:
        self._app, self._lines = app, lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            self._lines.warn("a request failed", error=type(error).__name__, where=_place(error))
            if scope["type"] == "http" and not begun:
                await Response(msgspec.json.encode(_BODY), 500, media_type="application/json")(scope, receive, send)


def _place(error: BaseException) -> str:
    """Name the last line of ours."""
    place, trace = "", error.__traceback__
    while trace:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name.startswith("tocsin."):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
