"""A small gateway before a model: it asks a Tocsin node before and after each call, and stops what the policy blocks.

    MODEL_URL=http://127.0.0.1:9000/v1 TOCSIN_URL=http://127.0.0.1:8400 TOCSIN_TOKEN=… uvicorn --factory gateway:gateway

Clients use it like any OpenAI-compatible server. A blocked call is answered with status 400, as OpenAI's own filters
do; of a call under review the answer says so in the header `x-tocsin-verdict`. Streamed answers go out a piece behind
the check. It is an example: where the node does not answer within a second, calls fail (closed); change `checked` to
let them pass (open).
"""

import json
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

BLOCKED = {"type": "invalid_request_error", "code": "content_policy_violation"}  # clients know these words
PIECE = 300  # characters of a streamed answer that are checked and passed on together


class Gateway:
    """Pass chat completions on to a model, what the node blocks excepted."""

    def __init__(self, model: httpx.AsyncClient, node: httpx.AsyncClient) -> None:
        self.model, self.node = model, node

    async def chat(self, request: Request) -> Response:
        """Answer POST /v1/chat/completions."""
        call = await request.json()
        before = await self.checked(call, call["messages"])
        if before["verdict"] == "block":
            return blocked(before)
        if call.get("stream"):
            return StreamingResponse(self.streamed(call), media_type="text/event-stream", headers=named(before))
        answer = (await self.model.post("chat/completions", json=call)).json()
        after = await self.checked(call, [answer["choices"][0]["message"]])
        if after["verdict"] == "block":
            return blocked(after)
        worse = after if before["verdict"] == "allow" else before
        return JSONResponse(answer, headers=named(worse))

    async def checked(self, call: dict[str, Any], messages: list[Any], **more: Any) -> dict[str, Any]:
        """Ask the node; what it cannot answer raises, so that nothing passes unchecked."""
        asked = {"account": call.get("user"), "session": None, "messages": messages, **more}
        response = await self.node.post("/v1/check", json=asked)
        response.raise_for_status()
        told: dict[str, Any] = response.json()
        return told

    async def streamed(self, call: dict[str, Any]) -> AsyncIterator[str]:
        """Pass a stream on piece by piece, each when it was checked; end it where a piece is blocked."""
        name, number, held, text = uuid4().hex, 0, [], ""
        async with self.model.stream("POST", "chat/completions", json=call) as answer:
            async for line in answer.aiter_lines():
                if not line.startswith("data: "):
                    continue
                final = line == "data: [DONE]"
                text += "" if final else json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
                held.append(f"{line}\n\n")
                if not final and len(text) < PIECE:
                    continue
                piece = {"id": name, "index": number, "final": final}
                told = await self.checked(call, [{"role": "assistant", "content": text}], stream=piece)
                if told["verdict"] == "block":
                    yield f"data: {json.dumps({'error': error_of(told)})}\n\n"
                    return
                for passed in held:
                    yield passed
                number, held, text = number + 1, [], ""


def named(told: dict[str, Any]) -> dict[str, str]:
    """Name the verdict in a header."""
    return {"x-tocsin-verdict": told["verdict"]}


def error_of(told: dict[str, Any]) -> dict[str, Any]:
    """Write a refusal as OpenAI's clients read it; `reasons` has the same in Chinese."""
    return {"message": told["reasons"]["en"], **BLOCKED, "reasons": told["reasons"]}


def blocked(told: dict[str, Any]) -> Response:
    """Refuse a call."""
    return JSONResponse({"error": error_of(told)}, 400, headers=named(told))


def make(model_url: str, node_url: str, token: str) -> Starlette:
    """Make the gateway of a model's address and a node's, with a token that has the scope `check`."""
    model = httpx.AsyncClient(base_url=model_url, timeout=60)
    node = httpx.AsyncClient(base_url=node_url, headers={"authorization": f"Bearer {token}"}, timeout=1)
    return Starlette(routes=[Route("/v1/chat/completions", Gateway(model, node).chat, methods=["POST"])])


def gateway() -> Starlette:
    """Make it from the environment."""
    return make(os.environ["MODEL_URL"], os.environ["TOCSIN_URL"], os.environ["TOCSIN_TOKEN"])
