"""What serves HTTP: a member's node, its log, witnesses and mirrors; and the way out to others' servers."""

from tocsin.node.log import log_app
from tocsin.node.log_lines import LogLines
from tocsin.node.mirror import mirror_app
from tocsin.node.node import Node, init_node, open_node
from tocsin.node.outbound import HttpTransport
from tocsin.node.serving import Listening, listen
from tocsin.node.supervise import Supervisor
from tocsin.node.witness import witness_app

__all__ = [
    "HttpTransport",
    "Listening",
    "LogLines",
    "Node",
    "Supervisor",
    "init_node",
    "listen",
    "log_app",
    "mirror_app",
    "open_node",
    "witness_app",
]
