"""What serves HTTP: a member's node, its log, witnesses and mirrors; and the way out to others' servers."""

from tocsin.node.log import log_app
from tocsin.node.log_lines import LogLines
from tocsin.node.mirror import mirror_app
from tocsin.node.node import Node, init_node, open_node
from tocsin.node.outbound import HttpTransport
from tocsin.node.people import OPERATOR, Door
from tocsin.node.serving import Listening, listen
from tocsin.node.sinks import write_secret
from tocsin.node.stores.audit import rows as audit_rows
from tocsin.node.stores.people import everybody
from tocsin.node.stores.tokens import every as every_token
from tocsin.node.supervise import Supervisor
from tocsin.node.witness import witness_app

__all__ = [
    "OPERATOR",
    "Door",
    "HttpTransport",
    "Listening",
    "LogLines",
    "Node",
    "Supervisor",
    "audit_rows",
    "every_token",
    "everybody",
    "init_node",
    "listen",
    "log_app",
    "mirror_app",
    "open_node",
    "witness_app",
    "write_secret",
]
