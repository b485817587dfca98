"""The forms of /v1/check and /v1/moderations as the document of the API shows them."""

from typing import Any

from tocsin.flow import MOST_MESSAGES
from tocsin.forms.limits import ID_BYTES
from tocsin.node.moderating import CATEGORIES, MOST_INPUTS

Schema = dict[str, Any]
TAGS = ("en", "zh")  # of languages
_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NAME: Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": ID_BYTES}


def _object(properties: Schema, *optional: str, closed: bool = True) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": not closed}


def _some(schema: Schema, least: int, most: int) -> Schema:
    return {"type": "array", "items": schema, "minItems": least, "maxItems": most}


_BOTH: Schema = {"type": "object", "required": list(TAGS), "additionalProperties": _TEXT, "maxProperties": len(TAGS)}
_PARTS = {"type": "array", "description": 'parts: {"type": "text", "text": …} and others'}
_CONTENT = {"anyOf": [_TEXT, _PARTS, {"type": "null"}]}
_ROLES = ["user", "assistant", "system", "developer", "tool", "function"]
_MESSAGE = _object({"role": {"type": "string", "enum": _ROLES}, "content": _CONTENT}, "content", closed=False)
_PIECE = _object({"id": {**_NAME, "type": "string"}, "index": _COUNT, "final": {"type": "boolean"}}, "final")
_FINDING = _object(
    {
        "message": _COUNT,
        "role": _TEXT,
        "detector": _TEXT,
        "rule": {"type": ["string", "null"]},
        "kind": _TEXT,
        "severity": {"type": "integer", "minimum": 1, "maximum": 5},
        "score": _SHARE,
        "start": {"type": ["integer", "null"], "minimum": 0},
        "end": {"type": ["integer", "null"], "minimum": 0},
        "title": _BOTH,
    }
)
CHECK_BODY = _object(
    {
        "account": _NAME,
        "session": _NAME,
        "messages": {
            **_some(_MESSAGE, 1, MOST_MESSAGES),
            "description": "as to a chat-completion call; parts other than text are not looked at",
        },
        "stream": {"anyOf": [_PIECE, {"type": "null"}], "description": "the one message is a piece of a stream"},
    },
    "account",
    "session",
    "stream",
) | {
    "if": {"required": ["stream"], "properties": {"stream": {"type": "object"}}},
    "then": {"properties": {"messages": {"maxItems": 1}}},
}
CHECK_ANSWER = _object(
    {
        "verdict": {"type": "string", "enum": ["allow", "review", "block"]},
        "score": _SHARE,
        "kinds": _TEXTS,
        "findings": {"type": "array", "items": _FINDING},
        "reasons": _BOTH,
        "stages": {
            "type": "array",
            "items": _object({"stage": _TEXT, "ms": {"type": "number", "minimum": 0}}),
            "description": "what judged the request and how long it took, for all messages judged together",
        },
        "judged_together": _COUNT,
        "policy": _TEXT,
        "clauses": _TEXTS,
        "standard": _TEXT,
        "complete": {"type": "boolean"},
        "unseen": {"type": "array", "items": _object({"message": _COUNT, "types": _TEXTS})},
        "leads": {
            "type": "array",
            "items": _object({"lead": _TEXT, "form": _TEXT, "kind": {"type": ["string", "null"]}, "source": _TEXT}),
            "description": "local leads that the request meets: hints, never verdicts",
        },
        "stream": _object({"start": _COUNT, "whole": {"type": "boolean"}}),
        "stored": {"type": "boolean"},
    },
    "stream",
    "stored",
)
_INPUT_PART = {
    "anyOf": [
        _object({"type": {"const": "text"}, "text": _TEXT}, closed=False),
        _object({"type": {"const": "image_url"}, "image_url": {"type": "object"}}, closed=False),
    ]
}
MODERATION_BODY = _object(
    {
        "input": {"anyOf": [_TEXT, _some(_TEXT, 1, MOST_INPUTS), _some(_INPUT_PART, 1, MOST_INPUTS)]},
        "model": {"type": ["string", "null"]},
    },
    "model",
    closed=False,
)
_RESULT = _object(
    {
        "flagged": {"type": "boolean"},
        "categories": _object({name: {"type": "boolean"} for name in CATEGORIES}),
        "category_scores": _object(dict.fromkeys(CATEGORIES, _SHARE)),
        "category_applied_input_types": _object(dict.fromkeys(CATEGORIES, _TEXTS)),
        "kinds": _TEXTS,
        "verdict": CHECK_ANSWER["properties"]["verdict"],
        "score": _SHARE,
        "reasons": _BOTH,
        "unseen": _TEXTS,
    }
)
MODERATION_ANSWER = _object({"id": _TEXT, "model": _TEXT, "results": {"type": "array", "items": _RESULT}})
_ERROR = _object({"error": _object({"message": _TEXT, "hint": _TEXT})})
_REFUSALS = {
    400: "The body is in no form that is taken.",
    401: "No token, or one that is not in force.",
    403: "The token lacks the scope `check`.",
    409: "A piece of a stream does not follow what came before.",
    413: "The body is too large.",
    429: "Too many requests wait.",
    503: "No checks can be made.",
}


def body(schema: Schema) -> Schema:
    """Describe the body of a request."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def responses(schema: Schema) -> dict[int | str, Schema]:
    """Describe the answer, and the refusals."""
    made: dict[int | str, Schema] = {200: {"description": "Checked.", **_json(schema)}}
    return made | {status: {"description": what, **_json(_ERROR)} for status, what in _REFUSALS.items()}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}
