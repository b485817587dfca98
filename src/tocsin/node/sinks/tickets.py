"""Messages for trackers: an issue as Jira's REST API, version 2, and those that speak like it take it."""

import re

from tocsin.node.sinks.message import Message, facts, title
from tocsin.node.sinks.request import JSON, Request, Told, as_json

_SUMMARY_MOST = 255
_MARKS = re.compile(r"([\\{}\[\]*_+^~|!])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def jira(message: Message, told: Told) -> Request:
    """Write an issue; the message's id is a label, by which the second of two tries is found."""
    pairs = facts(message, told.names or {}, told.lang)
    lines = [f"*{_plain(k)}*: {_plain(v)}" for k, v in pairs]
    described = [*lines, told.link_to(message)] if told.link else lines
    fields = {
        "project": {"key": told.project},
        "issuetype": {"name": told.issue_type},
        "summary": _CONTROL.sub(" ", f"{title(message, told.lang)} ({message.case})")[:_SUMMARY_MOST],
        "description": "\n".join(described),
        "labels": ["tocsin", _label(message.case), _label(message.id)],
    }
    given = {"authorization": told.secrets[0]} if told.secrets else {}
    return Request(told.url, as_json({"fields": fields}), {"content-type": JSON} | given)


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", _CONTROL.sub(" ", text))


def _label(text: str) -> str:
    return re.sub(r"\s+", "-", text)
