"""What a reject's reason and a behaviour finding's figures say, in both languages."""

import re

from tocsin.charts.shown import visible
from tocsin.charts.words import Said

_REASONS = (
    (r"not JSON", "不是 JSON"),
    (r"not a JSON object", "不是 JSON 对象"),
    (r"lone surrogate", "含有孤立的代理码位"),
    (r"line is not UTF-8", "该行不是有效的 UTF-8"),
    (r"line is longer than (\d+) bytes", "该行超过 {} 字节"),
    (r"unknown role", "角色（role）未知"),
    (r"unknown status", "状态（status）未知"),
    (r"duplicate id", "id 重复"),
    (r"source cannot be read to its end", "来源无法完整读取"),
    (r"neither a request nor a response", "既不是请求也不是响应"),
    (r"a piece of a streamed response", "流式响应的片段"),
    (r"a message is not an object", "有消息不是 JSON 对象"),
    (r"content is neither text nor parts", "content 既不是文本也不是分段内容"),
    (r"time is neither ISO 8601 nor seconds since 1970", "time 既不是 ISO 8601 时间，也不是 1970 年以来的秒数"),
    (r"([\w.]+) is missing", "缺少 {}"),
    (r"([\w.]+) is empty", "{} 为空"),
    (r"([\w.]+) is longer than (\d+) bytes", "{} 超过 {} 字节"),
    (r"([\w.]+) is not UTF-8", "{} 不是有效的 UTF-8"),
    (r"([\w.]+) is not a JSON object", "{} 不是 JSON 对象"),
    (r"([\w.]+) is not a whole number", "{} 不是整数"),
    (r"([\w.]+) is not a string", "{} 不是字符串"),
    (r"([\w.]+) is not an object or a string", "{} 既不是对象也不是字符串"),
    (r"([\w.]+) is out of range", "{} 超出范围"),
    (r"([\w.]+) is nested deeper than (\d+)", "{} 嵌套超过 {} 层"),
)
_LENGTH = re.compile(r" is \d+ bytes, limit (\d+)$")

_FIGURES = {
    "accounts": Said("{} accounts", "{} 个账号"),
    "events": Said("{} events", "{} 条消息记录"),
    "rule_share": Said("share of them with rule findings: {}", "其中有规则检出的比例：{}"),
    "signs": Said("further signs: {}", "其他迹象：{}"),
    "events_in_one_hour": Said("{} events in one hour", "一小时内 {} 条消息记录"),
    "usual": Said("usually {}", "平时 {} 条"),
}
_NAMES = {
    "came_together": Said("came together", "同期出现"),
    "one_template": Said("one template", "使用同一文本模板"),
    "misuse": Said("rule findings", "有规则检出"),
    "none": Said("none", "无"),
    "device": Said("one device", "同一设备"),
    "payment": Said("one means of payment", "同一支付方式"),
    "client": Said("one client", "同一客户端"),
    "network": Said("one network", "同一网络"),
}


def same_reason(reason: str) -> str:
    """Name a reason without the length of its row, so that rows too long count together."""
    return _LENGTH.sub(r" is longer than \1 bytes", reason)


def reason_words(reason: str) -> Said:
    """Say a reason in both languages; one that is not known stands as it is."""
    shown = visible(reason, 160)
    for pattern, zh in _REASONS:
        if found := re.fullmatch(pattern, reason):
            return Said(shown, zh.format(*found.groups()))
    return Said(shown, shown)


def figures_words(facts: str) -> Said:
    """Say a behaviour finding's figures, `what: name=value name=value`, in both languages."""
    head, colon, rest = facts.rpartition(": ")
    parts = [_named(head)] if colon else []
    parts += [_figure(*word.partition("=")) for word in rest.split()]
    return Said(visible(" · ".join(p.en for p in parts)), visible(" · ".join(p.zh for p in parts)))


def _figure(name: str, equals: str, value: str) -> Said:
    values = [_named(v) for v in value.split("+")]
    en, zh = ", ".join(v.en for v in values), "、".join(v.zh for v in values)
    if said := _FIGURES.get(name):
        return Said(said.en.format(en), said.zh.format(zh))
    return Said(f"{name}{equals}{en}", f"{name}{equals}{zh}")


def _named(name: str) -> Said:
    return _NAMES.get(name) or Said(name, name)
