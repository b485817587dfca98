"""Messages for people's chats: Slack, 飞书, 钉钉, 企业微信, each in its vendor's form.

Ids and words from closed lists are all that is written; they are cleaned as if they were not.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from hmac import digest
from urllib.parse import quote_plus

from tocsin.node.sinks.message import Message, facts, title
from tocsin.node.sinks.request import JSON, Request, Told, answer_json, as_json, is_success

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@])")
_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MOST = 300  # code points of one value
_HEADER_MOST = 150  # Slack's limit of a header
_WECOM_BYTES = 4096
_READ_MORE = {"en": "Open the case", "zh": "查看个案"}


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text)[:_MOST]


def _escaped(text: str) -> str:
    """Take every mark out of a value: a wider character instead, for not every vendor knows the backslash."""
    return _MARKS.sub(lambda found: chr(ord(found[1]) + 0xFEE0), _clean(text))


def _slack_text(text: str) -> str:
    """Escape as Slack asks; its other marks are widened."""
    kept = re.sub(r"[*_~`|@]", lambda found: chr(ord(found[0]) + 0xFEE0), _clean(text))
    return "".join(_SLACK.get(letter, letter) for letter in kept)


def slack(message: Message, told: Told) -> Request:
    """Write for an incoming webhook of Slack: a text for notices, blocks for the channel."""
    head = _clean(title(message, told.lang))
    pairs = [(k, _slack_text(v)) for k, v in facts(message, told.names or {}, told.lang)]
    fields = [{"type": "mrkdwn", "text": f"*{k}*\n{v}"} for k, v in pairs]
    blocks: list[object] = [
        {"type": "header", "text": {"type": "plain_text", "text": head[:_HEADER_MOST]}},
        {"type": "section", "fields": fields},
    ]
    if told.link:
        line = f"<{told.link_to(message)}|{_READ_MORE[told.lang]}>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": line}]})
    body = {"text": f"{_slack_text(head)} ({_slack_text(message.case)})", "blocks": blocks}
    return Request(told.url, as_json(body), {"content-type": JSON})


def feishu(message: Message, told: Told) -> Request:
    """Write a rich text for a 飞书 robot, signed where it has a secret."""
    colon = "：" if told.lang == "zh" else ": "
    pairs = facts(message, told.names or {}, told.lang)
    lines: list[list[object]] = [[{"tag": "text", "text": f"{k}{colon}{_clean(v)}"}] for k, v in pairs]
    if told.link:
        lines.append([{"tag": "a", "text": _READ_MORE[told.lang], "href": told.link_to(message)}])
    post = {"title": _clean(title(message, told.lang)), "content": lines}
    language = "zh_cn" if told.lang == "zh" else "en_us"
    signed = {"timestamp": str(told.now), "sign": feishu_sign(told.secrets[0], told.now)} if told.secrets else {}
    body = signed | {"msg_type": "post", "content": {"post": {language: post}}}
    return Request(told.url, as_json(body), {"content-type": JSON})


def feishu_sign(secret: str, seconds: int) -> str:
    """Sign as 飞书 asks: time and secret are the key, the text is empty."""
    return b64encode(digest(f"{seconds}\n{secret}".encode(), b"", "sha256")).decode()


def dingtalk(message: Message, told: Told) -> Request:
    """Write Markdown for a 钉钉 robot, signed in its address where it has a secret."""
    head = _escaped(title(message, told.lang))
    body = {"msgtype": "markdown", "markdown": {"title": head, "text": _markdown(head, message, told)}}
    return Request(_dingtalk_url(told), as_json(body), {"content-type": JSON})


def _dingtalk_url(told: Told) -> str:
    if not told.secrets:
        return told.url
    millis = told.now * 1000
    return f"{told.url}&timestamp={millis}&sign={quote_plus(dingtalk_sign(told.secrets[0], millis))}"


def dingtalk_sign(secret: str, millis: int) -> str:
    """Sign as 钉钉 asks: the secret is the key, time and secret the text."""
    return b64encode(digest(secret.encode(), f"{millis}\n{secret}".encode(), "sha256")).decode()


def wecom(message: Message, told: Told) -> Request:
    """Write Markdown for a 企业微信 robot, within its 4,096 bytes."""
    text = _markdown(_escaped(title(message, told.lang)), message, told)
    kept = text.encode()[:_WECOM_BYTES].decode("utf-8", "ignore")
    return Request(told.url, as_json({"msgtype": "markdown", "markdown": {"content": kept}}), {"content-type": JSON})


def _markdown(head: str, message: Message, told: Told) -> str:
    pairs = facts(message, told.names or {}, told.lang)
    lines = [f"#### {head}", *(f"> **{k}** {_escaped(v)}" for k, v in pairs)]
    if told.link:
        lines.append(f"[{_READ_MORE[told.lang]}]({told.link_to(message)})")
    return "\n\n".join(lines)


def says(key: str, good: object) -> Callable[[int, bytes], bool]:
    """Take an answer for a yes only where its JSON says so: these robots answer 200 to a refusal."""

    def taken(status: int, body: bytes) -> bool:
        return is_success(status, body) and answer_json(body).get(key) == good

    return taken


def feishu_took(status: int, body: bytes) -> bool:
    """Read 飞书's answer: `code`, or in its older form `StatusCode`."""
    answer = answer_json(body)
    return is_success(status, body) and answer.get("code", answer.get("StatusCode")) == 0
