"""What a node's owner may set: tocsin.toml, every key explained in the file itself and checked when it is read."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tocsin.forms import ConfigError, TransportError

_HEAD = (
    "# Settings of a Tocsin node; `tocsin serve` reads them as it starts.",
    "# Tocsin 节点的配置；`tocsin serve` 启动时读取。",
)


def _key(default: Any, en: str, zh: str, **limits: Any) -> Any:
    return Field(default, description=en, json_schema_extra={"zh": zh}, **limits)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSection(_Section):
    """Where the node keeps its data · 节点的数据存放在哪里"""

    url: str = _key(
        "",
        "Empty: SQLite, in node.db beside this file. Else postgresql://USER:PASSWORD@HOST/NAME.",
        "留空：使用本文件旁的 node.db（SQLite）。否则填写 postgresql://用户:密码@主机/库名。",
    )


class ServerSection(_Section):
    """What the server takes in · 服务接收请求的限制"""

    body_bytes: int = _key(
        16 << 20, "Largest body of a request, in bytes.", "请求体的最大字节数。", ge=1024, le=1 << 30
    )
    events_a_request: int = _key(
        20_000, "Most events in one request.", "单个请求最多包含的消息记录条数。", ge=1, le=1_000_000
    )
    most_waiting: int = _key(
        2_000_000,
        "Events that may wait to be screened; beyond that, POST /v1/events answers 429 until the worker has caught up.",
        "允许等待筛查的消息记录条数；超过后 POST /v1/events 返回 429，直到后台进程处理完积压。",
        ge=1000,
    )


class ScreeningSection(_Section):
    """How events are screened · 如何筛查消息记录"""

    standard: str = _key(
        "",
        "Folder of a misuse standard; empty: the shipped one.",
        "滥用标准所在的文件夹；留空则使用随附的标准。",
    )
    stage: Literal["first", "second"] = _key(
        "first",
        "How far events are judged: first, or second (candidates again, slower).",
        "评判到第几级：first 为第一级；second 会对可疑消息再评判一次，速度较慢。",
    )
    evidence: Literal["excerpt", "none"] = _key(
        "excerpt",
        "excerpt keeps up to 160 characters a finding, contact data masked; none keeps offsets only.",
        "excerpt 为每个发现保留最多 160 个字符的摘录（联系方式已遮盖）；none 只保留位置。",
    )
    allow: str = _key(
        "",
        "Allow-list file (YAML) of rules, accounts or templates, with reason and expiry; empty: none.",
        "放行清单文件（YAML），列出规则、账号或模板及其理由和期限；留空则没有。",
    )
    withhold_orgs: tuple[str, ...] = _key(
        (),
        "Customers (`org`) whose content may not be kept: their texts go once screened, findings keep offsets and a "
        "keyed hash only.",
        "内容不得留存的客户（`org`）：筛查后即删除其原文，发现只保留位置和带密钥哈希。",
    )
    casing_seconds: float = _key(
        3.0,
        "Least seconds between two rounds in which cases are formed from what is new.",
        "两轮个案生成之间的最短间隔秒数。",
        ge=0.1,
        le=3600,
    )


class CheckSection(_Section):
    """How messages are checked for gateways (/v1/check, /v1/moderations) · 网关送检消息的处理方式"""

    policy: str = _key(
        "",
        "Policy file (YAML) that says what is allowed, reviewed and blocked; empty: the one that ships.",
        "处置策略文件（YAML），规定放行、复核与拦截的条件；留空则使用随附的策略。",
    )
    stage: Literal["first", "second"] = _key(
        "first",
        "How far messages are judged: first, or second (candidates again, slower).",
        "评判到第几级：first 为第一级；second 会对可疑消息再评判一次，速度较慢。",
    )
    alarms: str = _key(
        "",
        "Folder of a bank of alarms whose text is looked for; empty: none.",
        "警示库文件夹，用于查找他方所发警示的文本；留空则不查找。",
    )
    group_keys: tuple[str, ...] = _key((), "Files of the group keys of that bank.", "上述警示库所用的组密钥文件。")
    store: bool = _key(
        False,
        "Whether checked messages are stored as events too; the answer then waits until they are durable.",
        "是否将送检消息同时存为消息记录；若存储，则落盘后才作答复。",
    )
    body_bytes: int = _key(
        2 << 20,
        "Largest body of a check, in bytes.",
        "送检请求体的最大字节数。",
        ge=1024,
        le=1 << 26,
    )
    most_waiting: int = _key(
        2000,
        "Requests that may wait to be judged; beyond that the answer is 429.",
        "允许等待评判的请求数；超过后返回 429。",
        ge=1,
        le=1_000_000,
    )
    most_streams: int = _key(
        10_000,
        "Streamed answers that may be open at a time; the longest idle are dropped first.",
        "可同时检查的流式输出数；超过后先丢弃闲置最久的。",
        ge=1,
        le=1_000_000,
    )
    stream_seconds: int = _key(
        600,
        "Seconds after which an idle stream is dropped.",
        "流式输出闲置多少秒后丢弃。",
        ge=1,
        le=86_400,
    )


class RetentionSection(_Section):
    """How long what came in is kept; legal holds go first · 数据保留多久；法律保全优先"""

    traffic_days: int = _key(
        30,
        "Days for which the encrypted text of events is kept; 0: only until it is screened.",
        "加密保存消息原文的天数；0 表示筛查后立即删除。",
        ge=0,
        le=3650,
    )
    findings_days: int = _key(
        365,
        "Days for which findings, counts and sketches are kept, from which cases are formed.",
        "保存发现、计数和文本指纹的天数；个案由它们生成。",
        ge=1,
        le=3650,
    )


class NodeConfig(_Section):
    """All settings of a node."""

    database: DatabaseSection = DatabaseSection()
    server: ServerSection = ServerSection()
    screening: ScreeningSection = ScreeningSection()
    check: CheckSection = CheckSection()
    retention: RetentionSection = RetentionSection()


def read_config(path: Path) -> NodeConfig:
    """Read and check a settings file.

    Errors: TransportError where it cannot be read; ConfigError names the key that is wrong, never its value.
    """
    try:
        return NodeConfig.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        why = f"no settings in {path.name!r}: {error.strerror}"
        raise TransportError(why, hint="make a node with `tocsin node init DIR`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name!r} is not TOML", hint="docs/config.md shows the form") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path.name}: {key}: {first['msg'].lower()}", hint="docs/config.md lists the keys") from None


def write_config(config: NodeConfig) -> str:
    """Write settings as TOML, with what each key means in both languages."""
    return "\n".join((*_HEAD, *_lines(config), ""))


def _lines(config: NodeConfig) -> Iterator[str]:
    for name in type(config).model_fields:
        section = getattr(config, name)
        yield f"\n# {type(section).__doc__}\n[{name}]"
        for key, field in type(section).model_fields.items():
            extra: Any = field.json_schema_extra
            yield f"# {field.description}\n# {extra['zh']}\n{key} = {_toml(getattr(section, key))}"


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
