"""What a node's owner may set: tocsin.toml, every key explained in the file itself and checked when it is read."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticUndefined

from tocsin.cases import Effect
from tocsin.forms import ConfigError, TransportError
from tocsin.node.sinks import About

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

    body_bytes: int = _key(8 << 20, "Largest body of a request, in bytes.", "请求体的最大字节数。", ge=1024, le=1 << 30)
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

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.alarms) != bool(self.group_keys):
            raise ValueError("alarms and group_keys go together")
        return self


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


class FolderSection(_Section):
    """A folder whose log files are followed as they grow · 持续跟读的日志文件夹"""

    path: str = _key("", "The folder; empty: none is followed.", "文件夹路径；留空则不跟读。")
    patterns: str = _key(
        "*.jsonl* *.ndjson* *.json *.log*",
        "Names of the files to follow, rotated ones too, with blanks between; packed files are left alone.",
        "要跟读的文件名，包括轮转后的文件名，以空格分隔；不读压缩文件。",
    )
    settle_seconds: float = _key(
        10.0,
        "Seconds without a change after which a last line without a line end counts, if it is whole JSON.",
        "文件不再变化多少秒后，没有换行符的最后一行（须为完整 JSON）也算一行。",
        ge=0.1,
        le=86400,
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.path and not self.patterns.split():
            raise ValueError("a path without patterns: no file would be followed")
        return self


class KafkaSection(_Section):
    """A Kafka topic of which events are taken · 从中读取消息记录的 Kafka 主题"""

    servers: str = _key(
        "", "HOST:PORT of brokers, with commas between; empty: none.", "代理地址 HOST:PORT，逗号分隔；留空则不用。"
    )
    topic: str = _key("", "The topic; each message is a line of a log.", "主题名；每条消息是一行日志。")
    group: str = _key("tocsin", "The consumer group.", "消费者组。")
    options: str = _key(
        "",
        "File with further settings of librdkafka (TLS, SASL), a line name=value each; empty: none.",
        "librdkafka 的其他设置（TLS、SASL）所在文件，每行 name=value；留空则没有。",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.servers and not (self.topic and self.group):
            raise ValueError("servers need a topic and a group")
        return self


class NatsSection(_Section):
    """A NATS JetStream stream of which events are taken · 从中读取消息记录的 NATS JetStream 流"""

    url: str = _key(
        "",
        "nats://HOST:PORT or tls://HOST:PORT; empty: none.",
        "nats://HOST:PORT 或 tls://HOST:PORT；留空则不用。",
        pattern=r"^((nats|tls)://\S+)?$",
    )
    stream: str = _key("", "The stream, which must be there.", "流名，须已存在。")
    subject: str = _key(">", "Subjects to take.", "要读取的主题。")
    durable: str = _key("tocsin", "The durable consumer, made where it is missing.", "持久消费者；不存在时自动创建。")
    credentials: str = _key("", "Credentials file; empty: none.", "凭据文件；留空则没有。")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url and not (self.stream and self.subject and self.durable):
            raise ValueError("a url needs a stream, a subject and a durable consumer")
        return self


class DeskSection(_Section):
    """How cases are decided · 如何决定个案"""

    name: str = _key(
        "tocsin",
        "Name of this node in what it tells others.",
        "本节点在对外消息中使用的名称。",
        pattern=r"^[\x21-\x7e]{1,100}$",
    )
    two_people: tuple[Effect, ...] = _key(
        (Effect.BAN, Effect.REFER, Effect.REPORT),
        "Effects that take two people: dismiss, monitor, warn, limit, ban, refer, report.",
        "须由两人决定的处置：dismiss 不予处置、monitor 持续关注、warn 警告、limit 限制使用、"
        "ban 封禁、refer 移送、report 依法报告。",
    )
    claim_minutes: int = _key(
        30,
        "How long a claimed case is kept for the one who claimed it.",
        "个案被领取后为领取人保留的分钟数。",
        ge=1,
        le=1440,
    )
    give_up_hours: int = _key(
        72,
        "How long a message is tried before it is given up and listed as dead.",
        "消息持续重试的小时数；超过后放弃，列为投递失败。",
        ge=1,
        le=720,
    )


class AccessSection(_Section):
    """Who may ask how much · 访问限制"""

    requests_a_minute: int = _key(
        120_000,
        "Requests a minute that one token, or one address without a token, may make; 0: no limit.",
        "单个令牌（无令牌时为单个地址）每分钟的请求数上限；0 表示不限。",
        ge=0,
    )
    limit_loopback: bool = _key(
        False,
        "Whether the limit holds for this machine too; set it behind a proxy, whose X-Forwarded-For is then believed.",
        "上述限制是否也适用于本机；位于本机反向代理之后时请启用，此时以其 X-Forwarded-For 作为来源地址。",
    )
    login_tries: int = _key(
        10,
        "Wrong passwords for one name in a quarter of an hour, after which it must wait.",
        "同一名称在十五分钟内可输错密码的次数，超过后须等待。",
        ge=1,
        le=1000,
    )
    session_hours: int = _key(12, "How long a log-in lasts.", "一次登录的有效小时数。", ge=1, le=720)
    json_depth: int = _key(
        32, "How deep the JSON of a request may be nested.", "请求中 JSON 的最大嵌套层数。", ge=4, le=200
    )


class OidcSection(_Section):
    """Log-in with an identity provider (OpenID Connect) · 通过身份提供方登录"""

    issuer: str = _key(
        "",
        "Address of the provider, as its tokens name it; empty: none.",
        "身份提供方的地址，须与其令牌中的一致；留空则不启用。",
        pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost)(:\d+)?(/.*)?)?$",
    )
    client_id: str = _key("", "What the provider calls this node.", "本节点在身份提供方登记的标识。")
    secret: str = _key("", "File with the client secret; empty: none.", "存放客户端密钥的文件；留空则没有。")
    redirect: str = _key(
        "",
        "Address to which the provider sends people back, ending in /v1/login/oidc/back.",
        "身份提供方登录后跳转回的地址，以 /v1/login/oidc/back 结尾。",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer and not (self.client_id and self.redirect.endswith("/v1/login/oidc/back")):
            raise ValueError("an issuer needs a client_id, and a redirect that ends in /v1/login/oidc/back")
        return self


class SinkSection(_Section):
    """One receiver that is told of decisions · 接收决定的一个目标"""

    name: str = _key(..., "Name of the receiver, in logs and lists.", "接收方名称。", pattern=r"^[a-z0-9-]{1,60}$")
    form: Literal["webhook", "syslog", "splunk", "opensearch", "jira", "slack", "feishu", "dingtalk", "wecom"] = _key(
        "webhook", "What it is.", "接收方类型。"
    )
    url: str = _key(
        ...,
        "Where it is: https://…, or for syslog syslog+tls://HOST:PORT, syslog+tcp://…, syslog+udp://….",
        "地址：https://…；syslog 则为 syslog+tls://主机:端口、syslog+tcp://… 或 syslog+udp://…。",
        pattern=r"^(https?|syslog\+(tls|tcp|udp))://[^\s@]+$",
    )
    secret: str = _key(
        "",
        "File with its secret, one a line; for webhooks keys/webhook when empty.",
        "存放密钥的文件，每行一个；webhook 留空时使用 keys/webhook。",
    )
    lang: Literal["en", "zh"] = _key("en", "In which language it is told.", "使用的语言。")
    on: tuple[About, ...] = _key(
        (About.MADE, About.UNDONE),
        "Of what: decision.made, decision.undone, decision.proposed, appeal.received.",
        "接收哪些消息：decision.made 决定生效、decision.undone 决定撤销、decision.proposed 待第二人复核、"
        "appeal.received 收到申诉。",
    )
    effects: tuple[Effect, ...] = _key((), "Of which effects; empty: of all.", "涉及哪些处置；留空表示全部。")
    identifiers: bool = _key(
        False,
        "Whether it is told the accounts, as keyed hashes.",
        "是否告知账号（带密钥哈希）。",
    )
    link: str = _key(
        "",
        "Address of a case for people, with {case} in it; empty: none.",
        "供人查看个案的地址，含 {case}；留空则没有。",
    )
    project: str = _key("", "For jira: key of the project.", "jira：项目键。")
    issue_type: str = _key("Task", "For jira: type of the issue.", "jira：问题类型。")
    index: str = _key("tocsin-decisions", "For opensearch: the index.", "opensearch：索引名。")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.form == "syslog") != self.url.startswith("syslog+"):
            raise ValueError("url does not fit the form")
        if self.form == "jira" and not self.project:
            raise ValueError("jira needs a project")
        if self.form == "splunk" and not self.secret:
            raise ValueError("splunk needs a secret, the token of its collector")
        if self.link and not (self.link.startswith(("https://", "http://")) and "{case}" in self.link):
            raise ValueError("link needs https:// and {case} in it")
        return self


class NodeConfig(_Section):
    """All settings of a node."""

    database: DatabaseSection = DatabaseSection()
    server: ServerSection = ServerSection()
    screening: ScreeningSection = ScreeningSection()
    check: CheckSection = CheckSection()
    retention: RetentionSection = RetentionSection()
    folder: FolderSection = FolderSection()
    kafka: KafkaSection = KafkaSection()
    nats: NatsSection = NatsSection()

    desk: DeskSection = DeskSection()
    access: AccessSection = AccessSection()
    oidc: OidcSection = OidcSection()
    sinks: tuple[SinkSection, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [sink.name for sink in self.sinks]
        if len(set(names)) < len(names):
            raise ValueError("two sinks have one name")
        return self

    @property
    def follows(self) -> bool:
        """Tell whether events are fetched from anywhere."""
        return bool(self.folder.path or self.kafka.servers or self.nats.url)


def read_config(path: Path) -> NodeConfig:
    """Read and check a settings file.

    Errors: TransportError where it cannot be read; ConfigError names the key that is wrong, and its value where that
    cannot be a secret.
    """
    try:
        return NodeConfig.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        why = f"no settings in {path.name!r}: {error.strerror}"
        raise TransportError(why, hint="make a node with `tocsin node init DIR`") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name!r} is not TOML", hint="docs/config.md shows the form") from error
    except ValidationError as error:
        first = error.errors(include_context=False)[0]
        key = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        why = f"{path.name}: {key}: {said[:1].lower()}{said[1:]}{_given(first)}"
        raise ConfigError(why, hint="docs/config.md lists the keys") from None


def _given(problem: ErrorDetails) -> str:
    """Repeat a value that was to be a number or one word of a few; any other may be a secret in the wrong place."""
    value = problem["input"]
    is_number = isinstance(value, int | float)
    return f", not {value!r}" if is_number or problem["type"] in ("enum", "literal_error") else ""


def write_config(config: NodeConfig) -> str:
    """Write settings as TOML, with what each key means in both languages."""
    return "\n".join((*_HEAD, *_lines(config), ""))


def _lines(config: NodeConfig) -> Iterator[str]:
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, tuple):
            yield from _sinks(section)
            continue
        yield f"\n# {type(section).__doc__}\n[{name}]"
        yield from (f"{words}\n{key} = {_toml(getattr(section, key))}" for key, words in _keys(type(section)))


def _sinks(sinks: tuple[SinkSection, ...]) -> Iterator[str]:
    """Write each sink; first, as a comment, what one may hold."""
    yield f"\n# {SinkSection.__doc__}\n# docs/desk.md\n#\n# [[sinks]]"
    for key, words in _keys(SinkSection):
        default = SinkSection.model_fields[key].get_default()
        yield f"{words}\n# {key} = {_toml('' if default is PydanticUndefined else default)}"
    for sink in sinks:
        yield "\n[[sinks]]"
        yield from (f"{key} = {_toml(value)}" for key, value in sink if key in sink.model_fields_set)


def _keys(section: type[_Section]) -> Iterator[tuple[str, str]]:
    for key, field in section.model_fields.items():
        extra: Any = field.json_schema_extra
        yield key, f"# {field.description}\n# {extra['zh']}"


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
