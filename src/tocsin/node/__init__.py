"""What serves HTTP: a member's node, its log, witnesses and mirrors; and the way out to others' servers."""

from tocsin.node.backup import back_up, restore
from tocsin.node.leads.importing import take_leads
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
from tocsin.node.upkeep import (
    end_hold,
    forget_account,
    hold_account,
    list_holds,
    migrate_node,
    take_up_again,
)
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
    "back_up",
    "end_hold",
    "every_token",
    "everybody",
    "forget_account",
    "hold_account",
    "init_node",
    "list_holds",
    "listen",
    "log_app",
    "migrate_node",
    "mirror_app",
    "open_node",
    "restore",
    "take_leads",
    "take_up_again",
    "witness_app",
    "write_secret",
]
