"""Bodies of trace exports, in OTLP's JSON."""

import json

TALK = [("user", f"question {n}") if n % 2 == 0 else ("assistant", f"answer {n}") for n in range(20)]


def parts(turns: list[tuple[str, str]]) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in turns])


def call(asked: int, account: str = "a1") -> dict[str, str]:
    """The attributes of a call of one growing conversation."""
    content = {"gen_ai.input.messages": parts(TALK[:asked]), "gen_ai.output.messages": parts(TALK[asked : asked + 1])}
    return {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m1", "enduser.id": account} | content


def export(*spans: dict[str, str]) -> bytes:
    shown = [
        {
            "traceId": f"{n:032x}",
            "startTimeUnixNano": str(1_740_830_400 * 10**9),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in span.items()],
        }
        for n, span in enumerate(spans)
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": shown}]}]}).encode()
