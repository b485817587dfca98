"""Where decisions are told: each sink writes a message in its receiver's form and reads the answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.node.sinks.chat import dingtalk, feishu, feishu_took, says, slack, wecom
from tocsin.node.sinks.message import About, Message, Names, read_message, write_message
from tocsin.node.sinks.request import Form, Request, Taken, Told, is_success
from tocsin.node.sinks.siem import opensearch, opensearch_took, splunk, splunk_took, syslog
from tocsin.node.sinks.tickets import jira
from tocsin.node.sinks.webhook import read_secret, verify, webhook, write_secret


@dataclass(frozen=True)
class Sink:
    """How a receiver is told, and whether it has understood."""

    write: Form
    took: Taken = is_success


SINKS: Mapping[str, Sink] = {
    "webhook": Sink(webhook),
    "syslog": Sink(syslog),
    "splunk": Sink(splunk, splunk_took),
    "opensearch": Sink(opensearch, opensearch_took),
    "jira": Sink(jira),
    "slack": Sink(slack),
    "feishu": Sink(feishu, feishu_took),
    "dingtalk": Sink(dingtalk, says("errcode", 0)),
    "wecom": Sink(wecom, says("errcode", 0)),
}

__all__ = [
    "SINKS",
    "About",
    "Message",
    "Names",
    "Request",
    "Sink",
    "Told",
    "read_message",
    "read_secret",
    "verify",
    "webhook",
    "write_message",
    "write_secret",
]
